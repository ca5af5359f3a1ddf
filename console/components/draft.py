"""The draft as the browser holds it: the preview follows each keystroke, the server hears of it when typing pauses.

What a draft is and what can be done with it is in `assets/compose.js`.
"""

from typing import Any

import reflex as rx
from reflex.experimental import ClientStateVar
from reflex.vars import FunctionVar

from console.rows.content_form import draft_json

draft_var = ClientStateVar.create("compose_draft", default=draft_json([{}]))
held_var = ClientStateVar.create("preview_held", default={})
"""What the server last said of the person for whom the preview is drawn."""
pictures_var = ClientStateVar.create("preview_pictures", default={})
"""What is known of the pictures, by address."""

_HELD = f"refs['_client_state_{draft_var._getter_name}']"
_TELL = f"refs['_client_state_{draft_var._setter_name}']"
_COMPOSE = "globalThis.tocsin?.compose"


def now() -> rx.Var[dict]:
    """The draft at the moment of an event, for a handler."""
    kept = f"(globalThis.tocsin?.keep?.outgoing({_HELD}) ?? {_HELD})"
    return rx.Var(kept, _var_type=dict, _var_data=draft_var.set._get_all_var_data())


def reader() -> rx.Var[Any]:
    """A function that gives the draft as it is when it is called, for a component of our own."""
    return rx.Var(f"(() => {_HELD})", _var_data=draft_var.set._get_all_var_data())


def writer() -> rx.Var[Any]:
    """A function that takes another draft."""
    return rx.Var(f"((_next) => {_TELL}(_next))", _var_data=draft_var.set._get_all_var_data())


def shown(name: str) -> rx.Var[str]:
    """A field as it is sent in the open layer's language."""
    return _read(f"({_SHOWN}?.{name} || '')", str)


_SHOWN = (
    f"{_COMPOSE}?.resolve({_COMPOSE}.content({draft_var.value!s}), {draft_var.value!s}.platform || 'ios', "
    f"{_COMPOSE}.chain({draft_var.value!s}.language, null, {draft_var.value!s}.default_locale))"
)


def languages() -> rx.Var[list[str]]:
    """What the open variant speaks beside the default language."""
    return _read(f"({_COMPOSE}?.languages({draft_var.value!s}) ?? [])", list[str])


def variant() -> rx.Var[int]:
    """Which variant is open."""
    return _read(f"({draft_var.value!s}?.variant ?? 0)", int)


def language() -> rx.Var[str]:
    return _read(f"({draft_var.value!s}?.language ?? '')", str)


def put(name: str) -> rx.event.EventChain:
    """The event that lays what a field gives into the draft, beside its contents."""
    laid = f"{{...{_HELD}, {name}: _typed, edit: ({_HELD}?.edit ?? 0) + 1}}"
    body = f"((_typed) => {_TELL}({laid}))"
    return rx.Var(body, _var_data=draft_var.set._get_all_var_data()).to(FunctionVar, rx.event.EventChain)


def _read(expression: str, kind: type) -> rx.Var:
    return rx.Var(expression, _var_data=draft_var.value._get_all_var_data()).to(kind)


def open_language(tag: rx.Var[str] | str) -> rx.event.EventChain:
    """The event that opens another language, `_typed` for the one that a field gives; nothing goes to the server."""
    body = f"((_typed) => {_TELL}({{...{_HELD}, language: {rx.Var.create(tag)!s}}}))"  # Reflex hands over the text
    return rx.Var(body, _var_data=draft_var.set._get_all_var_data()).to(FunctionVar, rx.event.EventChain)
