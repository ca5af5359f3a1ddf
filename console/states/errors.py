"""The console's one error boundary: what was expected is said to the person, the rest goes to the log."""

import logging

import reflex as rx
from reflex.event import EventSpec

from backend.errors import TocsinError

log = logging.getLogger("tocsin.console")


def explain(exception: Exception) -> EventSpec:
    """The toast for an error that a handler let through."""
    if isinstance(exception, TocsinError):
        return rx.toast.error(exception.detail)
    log.error("a handler failed", exc_info=exception)
    return rx.toast.error("Something went wrong here. It has been logged; try again.")
