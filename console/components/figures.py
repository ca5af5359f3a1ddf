"""Single numbers and how far along something is."""

import reflex as rx

from console.components.layout import link


def stat(
    label: str, value: rx.Var[str], note: rx.Var[str] | str = "", *, to=None, hint=None, colour: str | None = None
) -> rx.Component:
    """A figure: its name, its value, what it is a share of. Clicking leads to the rows behind it."""
    swatch = rx.el.span(class_name="dot", style={"background": colour}) if colour else rx.fragment()
    body = (
        rx.el.span(swatch, label, class_name="stat-label"),
        rx.el.span(value, class_name="stat-value"),
        rx.el.span(note, class_name="stat-note"),
    )
    hover = {"title": hint} if hint is not None else {}
    if to is None:
        return rx.el.div(*body, class_name="stat", **hover)
    return link(*body, to=to, class_name="stat", **hover)


def progress_bar(
    percent: rx.Var[float],
    *,
    tone: rx.Var[str] | str = "",
    waiting: rx.Var[bool] | bool = False,
    label: str = "Progress",
) -> rx.Component:
    """A determinate bar; while the total is not known yet it only says that work goes on."""
    return rx.el.div(
        rx.el.div(class_name="bar-fill", style={"width": f"{percent}%"}),
        class_name=rx.cond(waiting, "bar bar-waiting", "bar"),
        data_tone=tone,
        role="progressbar",
        aria_label=label,
        custom_attrs={"aria-valuenow": percent, "aria-valuemin": 0, "aria-valuemax": 100},
    )
