"""Asking again from time to time."""

import reflex as rx


def every(milliseconds: int, event) -> rx.Component:
    """Fires the event so often while it stands on the page; nobody sees it or has it read out."""
    return rx.el.span(rx.moment(interval=milliseconds, on_change=event), hidden=True)
