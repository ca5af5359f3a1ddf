"""Public ids: what the outside calls our rows."""

from typing import Final

from backend.db import Work
from backend.errors import NotFound

APP: Final = "app"
MEMBER: Final = "mem"
KEY: Final = "key"
CREDENTIAL: Final = "crd"
USER: Final = "usr"
DEVICE: Final = "dev"
SEGMENT: Final = "seg"
LIST: Final = "lst"
IMPORT: Final = "imp"
TEMPLATE: Final = "tpl"
BLOCK: Final = "blk"
CATEGORY: Final = "cat"
CAMPAIGN: Final = "cmp"
APPROVAL: Final = "apv"
RUN: Final = "run"
MESSAGE: Final = "msg"
DELIVERY: Final = "dlv"
TESTER: Final = "tst"
CURSOR: Final = "cur"


def public(work: Work, prefix: str, number: int) -> str:
    """The public id of a row."""
    return work.core.keyring.public_id(prefix, number)


def number(work: Work, prefix: str, public_id: str) -> int:
    """The row behind a public id. Raises `NotFound` for anything we did not make."""
    found = work.core.keyring.number(prefix, public_id)
    if found is None:
        raise NotFound(f"There is no {public_id[:40]!r}.")
    return found
