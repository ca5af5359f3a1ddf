"""A notification as phones and browsers draw it, compiled by Reflex from `assets/push_preview.jsx`.

It reads what the browser holds (the draft, what the server said of the chosen person, the pictures) and so follows
each keystroke without the server.
"""

from dataclasses import asdict
from typing import Any

import reflex as rx
from reflex.components.component import NoSSRComponent

from console.components.draft import draft_var, held_var, pictures_var
from console.components.preview_rooms import ROOMS, STATES

_ROOMS = {platform: {state: asdict(room) for state, room in states.items()} for platform, states in ROOMS.items()}
_STATES = [{"value": value, "label": label} for value, label in STATES]


class PushPreview(NoSSRComponent):
    """All platforms, with the ways to look at them; `site` is where a browser's push comes from."""

    library = "$/public/push_preview.jsx"
    tag = "PushPreview"

    draft: rx.Var[dict[str, Any]]
    held: rx.Var[dict[str, Any]]
    pictures: rx.Var[dict[str, Any]]
    rooms: rx.Var[dict[str, Any]]
    states: rx.Var[list[dict[str, str]]]
    app_name: rx.Var[str]
    initials: rx.Var[str]
    color: rx.Var[str]
    site: rx.Var[str]


def push_preview(
    app_name: rx.Var[str], initials: rx.Var[str], color: rx.Var[str] | str = "", site: rx.Var[str] | str = ""
) -> rx.Component:
    """The preview of the draft; `color` is the app's own (`#rrggbb`, "" for the console's accent)."""
    return PushPreview.create(
        draft=draft_var.value,
        held=held_var.value,
        pictures=pictures_var.value,
        rooms=_ROOMS,
        states=_STATES,
        app_name=app_name,
        initials=initials,
        color=color,
        site=site,
    )
