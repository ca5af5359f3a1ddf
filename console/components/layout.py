"""The plain pieces that pages are laid out with."""

import reflex as rx
from reflex_components_core.react_router import link as router_link

from console import theme


def link(*children, to, class_name: str = "link", **props) -> rx.Component:
    """A link inside the console: no page load."""
    return router_link(*children, to=to, class_name=class_name, **props)


def icon(name: str, size: int = theme.ICON, **props) -> rx.Component:
    """A decorative icon; what it means is said in words beside it."""
    return rx.icon(name, size=size, aria_hidden="true", **props)


def row(*children, class_name: str = "row", **props) -> rx.Component:
    return rx.el.div(*children, class_name=class_name, **props)


def stack(*children, class_name: str = "stack", **props) -> rx.Component:
    return rx.el.div(*children, class_name=class_name, **props)


def muted(*children, **props) -> rx.Component:
    return rx.el.span(*children, class_name="muted small", **props)


def panel(
    *children,
    title: str | rx.Component | None = None,
    aside: rx.Component | None = None,
    flush: bool = False,
    **props,
) -> rx.Component:
    """A bordered surface; `flush` lets a table or chart reach its edges."""
    head = [] if title is None else [_head(title, aside)]
    body = children if flush else (rx.el.div(*children, class_name="panel-body"),)
    return rx.el.section(*head, *body, class_name="panel", **props)


def _head(title: str | rx.Component, aside: rx.Component | None) -> rx.Component:
    heading = rx.el.h2(title) if isinstance(title, str) else title
    extra = [] if aside is None else [rx.el.div(aside, class_name="push-right")]
    return rx.el.div(heading, *extra, class_name="panel-head")


def page_head(title, *actions, badge: rx.Component | None = None, back: rx.Component | None = None) -> rx.Component:
    """The title row: title, status, then actions with the primary one last."""
    heading = rx.el.h1(title, class_name="truncate", title=title) if isinstance(title, str | rx.Var) else title
    return rx.fragment(
        back or rx.fragment(),
        rx.el.header(
            rx.el.div(heading, badge or rx.fragment(), class_name="page-head-title"),
            rx.el.div(*actions, class_name="page-actions"),
            class_name="page-head",
        ),
    )


def back_link(label: str, to: str) -> rx.Component:
    return link(icon("chevron-left", theme.ICON_SMALL), label, to=to, class_name="crumb")


def icon_button(sign: str, label: str, *, class_name: str = "icon-button", **props) -> rx.Component:
    """A button that is only an icon; its label is spoken, and shown on hover."""
    return rx.el.button(
        icon(sign, theme.ICON_SMALL), type="button", aria_label=label, title=label, class_name=class_name, **props
    )


def copyable(text: rx.Var[str] | str, label: str = "Copy") -> rx.Component:
    """A small button that puts the text on the clipboard."""
    return icon_button("copy", label, on_click=[rx.set_clipboard(text), rx.toast.success("Copied")])


def facts(*pairs: tuple[str | rx.Var, rx.Component | rx.Var | str]) -> rx.Component:
    """Names and values, one a line."""
    cells = [cell for name, value in pairs for cell in (rx.el.dt(name), rx.el.dd(value))]
    return rx.el.dl(*cells, class_name="facts")
