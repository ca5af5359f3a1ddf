"""The draft as the browser holds it: the preview follows each keystroke, the server hears of it when typing pauses."""

import reflex as rx
from reflex.experimental import ClientStateVar
from reflex.vars import FunctionVar

from console.rows.compose import Draft, draft_json

EMPTY = draft_json(Draft())

draft_var = ClientStateVar.create("compose_draft", default=EMPTY)
_HELD = f"refs['_client_state_{draft_var._getter_name}']"
_TELL = f"refs['_client_state_{draft_var._setter_name}']"


def text(name: str) -> rx.Var[str]:
    """A field of the draft as it is typed."""
    return draft_var.value.to(dict)[name].to(str)


def shown(name: str) -> rx.Var[str]:
    """A field as it is sent: in another language the default's words show through where nothing else is said."""
    held = draft_var.value
    return rx.Var(
        f"({held!s}?.{name} || {held!s}?.base?.{name} || '')", _var_type=str, _var_data=held._get_all_var_data()
    )


def button_titles() -> rx.Var[list[str]]:
    """The texts of the buttons that have one; other languages show the default's."""
    held = draft_var.value
    rows = f"({held!s}?.language ? {held!s}?.base?.buttons : {held!s}?.buttons)"
    titles = f"({rows} ?? []).map((_row) => _row.title).filter(Boolean)"
    return rx.Var(titles, _var_type=list[str], _var_data=held._get_all_var_data())


def now() -> rx.Var[dict]:
    """The draft at the moment of an event, for a handler."""
    return rx.Var(_HELD, _var_type=dict, _var_data=draft_var.set._get_all_var_data())


def put(name: str) -> rx.event.EventChain:
    """The event that puts a field's new text into the draft."""
    return _change(f"{{...{_HELD}, {name}: _typed}}")


def put_button(index: rx.Var[int], name: str) -> rx.event.EventChain:
    """The same for a field of one button."""
    row = f"(_row, _at) => _at === {index!s} ? {{..._row, {name}: _typed}} : _row"
    return _change(f"{{...{_HELD}, buttons: {_HELD}.buttons.map({row})}}")


def _change(value: str):
    body = f"((_typed) => {_TELL}({value}))"  # Reflex hands over the field's text, not the event
    return rx.Var(body, _var_data=draft_var.set._get_all_var_data()).to(FunctionVar, rx.event.EventChain)


def sample(value: rx.Var[str]) -> rx.Var[str]:
    """The text with its variables shown by their defaults or names."""
    return rx.Var(
        f"(globalThis.tocsin?.sample({value!s}) ?? {value!s})", _var_type=str, _var_data=value._get_all_var_data()
    )


def host(value: rx.Var[str]) -> rx.Var[str]:
    """The host of an address, for saying where a picture comes from."""
    return rx.Var(f"(globalThis.tocsin?.host({value!s}) ?? '')", _var_type=str, _var_data=value._get_all_var_data())
