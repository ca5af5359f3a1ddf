"""What requests of one process share: the look-up of keys, and the commits of events and receipts."""

from typing import TypeVar

from fastapi import FastAPI

from backend.services.events import EventLog
from backend.services.key_desk import KeyDesk
from backend.services.receipts import ReceiptLog

Shared = TypeVar("Shared", EventLog, KeyDesk, ReceiptLog)


def event_log(app: FastAPI) -> EventLog:
    return _shared(app, EventLog)


def receipt_log(app: FastAPI) -> ReceiptLog:
    return _shared(app, ReceiptLog)


def key_desk(app: FastAPI) -> KeyDesk:
    return _shared(app, KeyDesk)


def _shared(app: FastAPI, kind: type[Shared]) -> Shared:
    """The process's one of its kind, made when it is first needed."""
    held = _held(app)
    if kind not in held:
        held[kind] = kind(app.state.core)
    found = held[kind]
    assert isinstance(found, kind)
    return found


def _held(app: FastAPI) -> dict[type, EventLog | KeyDesk | ReceiptLog]:
    if not hasattr(app.state, "groups"):
        app.state.groups = {}
    held: dict[type, EventLog | KeyDesk | ReceiptLog] = app.state.groups
    return held


def close_groups(app: FastAPI) -> None:
    """To be called when the last request has been answered."""
    held = _held(app)
    while held:
        held.popitem()[1].close()
