"""Tells the server when something changes that the browser alone holds."""

from typing import Any

import reflex as rx
from reflex.components.component import NoSSRComponent


class Watch(NoSSRComponent):
    """Shows nothing; fires once when the page opens, and whenever `value` is another one."""

    library = "$/public/watch.jsx"
    tag = "Watch"

    value: rx.Var[str]
    on_change: rx.EventHandler[rx.event.no_args_event_spec]


def watch(value: rx.Var[str], *events: Any) -> rx.Component:
    return Watch.create(value=value, on_change=list(events))
