"""Tabs of a page whose panels are all there at once; which one is open stands in the address."""

from collections.abc import Sequence

import reflex as rx
from reflex.experimental import ClientStateVar


def tab_bar(tabs: Sequence[tuple[str, rx.Component | str]], current: ClientStateVar, label: str) -> rx.Component:
    """Names and what their tabs say."""
    return rx.el.nav(
        rx.el.div(
            *[_tab(name, said, current) for name, said in tabs],
            role="tablist",
            aria_label=label,
            class_name="composer-steps",
            custom_attrs={"data-along": "true"},
        ),
        class_name="composer-bar",
        aria_label=label,
    )


def _tab(name: str, said: rx.Component | str, current: ClientStateVar) -> rx.Component:
    return rx.el.button(
        said,
        type="button",
        role="tab",
        id=f"to-{name}",
        aria_selected=current.value == name,
        aria_controls=f"tab-{name}",
        tab_index=rx.cond(current.value == name, 0, -1),
        class_name="composer-step",
        on_click=go(name, current),
    )


def go(name: str, current: ClientStateVar) -> list:
    """The events that open a tab; nothing goes to the server."""
    return [current.set_value(name), rx.call_script(f"history.replaceState(history.state, '', '?tab={name}')")]


def tab_panel(name: str, current: ClientStateVar, *children: rx.Component) -> rx.Component:
    """Hidden while another is open, so that nothing typed is lost."""
    return rx.el.section(
        *children,
        id=f"tab-{name}",
        role="tabpanel",
        aria_labelledby=f"to-{name}",
        hidden=current.value != name,
        class_name="composer-step-panel stack-l",
    )
