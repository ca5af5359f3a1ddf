"""What a place says when it has nothing, is not ready, or something went wrong."""

import reflex as rx

from console import theme
from console.components.layout import icon


def empty(icon_name: str, title, text, *actions: rx.Component) -> rx.Component:
    """One sentence on what belongs here and one thing to do about it."""
    return rx.el.div(
        rx.el.div(icon(icon_name, theme.ICON + 6), class_name="empty-icon"),
        rx.el.h3(title),
        rx.el.p(text),
        *actions,
        class_name="empty",
    )


def skeleton_rows(count: int = 6) -> rx.Component:
    """The shape of a list while its rows are on their way."""
    return rx.el.div(
        *[_skeleton_row(index) for index in range(count)], class_name="skeleton-rows", aria_busy="true", role="status"
    )


def _skeleton_row(index: int) -> rx.Component:
    widths = ("34%", "28%", "40%", "31%")
    return rx.el.div(
        _line(widths[index % len(widths)]),
        _line("9%"),
        _line("14%"),
        rx.el.div(class_name="push-right"),
        _line("8%"),
        class_name="skeleton-row",
    )


def _line(width: str) -> rx.Component:
    return rx.el.div(class_name="skeleton skeleton-line", style={"width": width})


def skeleton_text(lines: int = 3) -> rx.Component:
    """The shape of a paragraph or a form."""
    return rx.el.div(*[_line(width) for width in ("60%", "90%", "75%", "45%", "82%")[:lines]], class_name="stack")


def skeleton_chart() -> rx.Component:
    return rx.el.div(class_name="skeleton skeleton-chart", aria_busy="true", role="status")


NOTE_ICON = {
    theme.QUIET: "info",
    theme.CARE: "triangle-alert",
    theme.BAD: "circle-alert",
    theme.GOOD: "circle-check",
}


def note(*children, tone: str = theme.QUIET) -> rx.Component:
    """A remark in its place; amber asks for a look, red says that something is in the way."""
    return rx.el.div(
        icon(NOTE_ICON[tone]),
        rx.el.div(*children),
        class_name="note",
        data_tone=tone,
        role="alert" if tone == theme.BAD else "note",
    )


def missing(what: str, to: str, back: str) -> rx.Component:
    """The place of a thing that is not there, or is in another app."""
    from console.components.layout import link

    return empty(
        "search-x",
        f"There is no such {what}",
        "It may have been deleted, or it belongs to another app.",
        link(rx.button(back, variant="soft"), to=to, class_name=""),
    )
