"""The devices behind a number of the pre-flight, each with the way to its person."""

import reflex as rx

from console import theme
from console.components.feedback import empty, note, skeleton_rows
from console.components.layout import icon, link
from console.rows.launch_devices import DeviceLine
from console.states.launch_devices import LaunchDevicesState


def devices_dialog() -> rx.Component:
    """Esc closes it."""
    state = LaunchDevicesState
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Devices", size="4"),
            rx.dialog.description(state.title, class_name="dialog-text"),
            rx.el.div(
                rx.el.div(rx.foreach(state.devices, _device)),
                rx.cond(state.busy, skeleton_rows(3), rx.cond(state.devices.length() > 0, rx.fragment(), _nobody())),
                rx.cond(state.problem != "", note(state.problem, tone=theme.BAD), rx.fragment()),
                class_name="preflight-devices",
                aria_live="polite",
            ),
            rx.el.div(
                rx.cond(
                    state.more,
                    rx.button("More", variant="soft", loading=state.busy, on_click=state.further),
                    rx.fragment(),
                ),
                rx.dialog.close(rx.button("Close", variant="soft", color_scheme=theme.QUIET)),
                class_name="dialog-actions",
            ),
            max_width=theme.DIALOG_WIDER,
            id="preflight-devices",
        ),
        open=state.open,
        on_open_change=state.close,
    )


def _nobody() -> rx.Component:
    return empty("smartphone", "No device", "Nothing here has a device of its own, or it has changed since the check.")


def _device(one: rx.Var[DeviceLine]) -> rx.Component:
    signs = [(name, icon(sign, theme.ICON_SMALL)) for name, sign in theme.PLATFORM_ICON.items()]
    return link(
        rx.match(one.platform, *signs, rx.fragment()),
        rx.el.span(
            rx.el.span(one.name, class_name="truncate strong"),
            rx.el.span(one.id, class_name="muted small truncate"),
            class_name="stack-xs",
        ),
        rx.el.span(one.detail, class_name="muted small"),
        rx.el.span(
            rx.cond(one.until.exact != "", rx.el.span(one.until.short, title=one.until.exact), one.locale),
            class_name="muted small share-num",
        ),
        to=one.href,
        class_name="preflight-device",
        key=one.id,
    )
