"""Asking before what cannot be undone, by naming the thing."""

import reflex as rx

from console import theme


def confirm(
    trigger: rx.Component, title, text, action, on_confirm, *, keep: str = "Keep it", tone: str = theme.BAD
) -> rx.Component:
    """A dialog in front of an action that hurts, red where it destroys; Esc and Keep close it."""
    return rx.alert_dialog.root(
        rx.alert_dialog.trigger(trigger),
        rx.alert_dialog.content(
            rx.alert_dialog.title(title, size="4"),
            rx.alert_dialog.description(text, class_name="dialog-text"),
            rx.el.div(
                rx.alert_dialog.cancel(rx.button(keep, variant="soft", color_scheme=theme.QUIET)),
                rx.alert_dialog.action(rx.button(action, color_scheme=tone, on_click=on_confirm)),
                class_name="dialog-actions",
            ),
            max_width=theme.DIALOG,
        ),
    )
