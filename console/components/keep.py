"""The composer's page in the browser: which step is open, and what is typed there that is not saved yet.

The browser's side of it is `assets/keep.js`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import reflex as rx
from reflex.experimental import ClientStateVar

from console.components.draft import draft_var
from console.rows.steps import AUDIENCE

step_var = ClientStateVar.create("compose_step", default=AUDIENCE)
kept_var = ClientStateVar.create("compose_kept", default=0)
"""The edit of the draft (`draft.edit`) that the server has saved last."""


def _slot(var: ClientStateVar) -> str:
    return f"refs['_client_state_{var._getter_name}']"


def _tell(var: ClientStateVar) -> str:
    """A function that gives the variable a value, whether something shows it already or not."""
    setter = f"refs['_client_state_{var._setter_name}']"
    return f"((_it) => {setter} ? {setter}(_it) : ({_slot(var)} = _it))"


def saving() -> rx.Var[bool]:
    """Whether something typed is still on its way."""
    held, kept = draft_var.value, kept_var.value
    data = rx.vars.VarData.merge(held._get_all_var_data(), kept._get_all_var_data())
    return rx.Var(f"(({held!s}?.edit ?? 0) > ({kept!s} ?? 0))", _var_type=bool, _var_data=data)


def is_open(name: str) -> rx.Var[bool]:
    return step_var.value == name


def go(name: str) -> rx.event.EventSpec:
    """The event that opens a step; nothing goes to the server."""
    return rx.call_script(f"globalThis.tocsin?.steps?.open('{name}', {_tell(step_var)})")


def arrive(first: str) -> rx.event.EventSpec:
    """For a handler: opens the step that the address names, else `first`."""
    step = f"(globalThis.tocsin?.steps?.asked() || '{first}')"
    return rx.call_script(f"globalThis.tocsin?.steps?.open({step}, {_tell(step_var)}, true)")


def saved(edit: int) -> rx.event.EventSpec:
    """For a handler: tells the browser that its draft is safe up to this edit."""
    return rx.call_script(f"globalThis.tocsin?.keep?.saved({_slot(draft_var)}, {edit}); {_tell(kept_var)}({edit})")


def give(draft: Mapping[str, Any], *, safe: bool, callback: Any = None) -> rx.event.EventSpec:
    """For a handler: hands the browser another draft, which is `safe` when it is saved so. `callback` hears what the
    browser had that was not saved, or null."""
    given = rx.Var.create(dict(draft))
    told = f"{'true' if safe else 'false'}, {_slot(draft_var)}, {_tell(draft_var)}, {_tell(kept_var)}"
    return rx.call_script(f"globalThis.tocsin?.keep?.welcome({given!s}, {told})", callback=callback)


def rename(names: Sequence[str]) -> rx.event.EventSpec:
    """For a handler: the open draft's variants under other names, its fields left alone."""
    return rx.call_script(f"{_tell(draft_var)}({{...{_slot(draft_var)}, names: {rx.Var.create(list(names))!s}}})")


def based_on(version: int) -> rx.event.EventSpec:
    """For a handler: from now on the open draft is made from this version."""
    return rx.call_script(f"{_tell(draft_var)}({{...{_slot(draft_var)}, version: {version}}})")


def variant() -> rx.Var[int]:
    """Which variant is open, at the moment of an event."""
    return rx.Var(f"({_slot(draft_var)}?.variant ?? 0)", _var_type=int, _var_data=draft_var.set._get_all_var_data())


def open_variant(at: rx.Var[int] | int) -> rx.event.EventSpec:
    """The event that opens another variant; nothing goes to the server."""
    place = rx.Var.create(at)
    return rx.call_script(
        rx.Var(
            f"`{_tell(draft_var)}({{...{_slot(draft_var)}, variant: ${{{place!s}}}}})`",
            _var_type=str,
            _var_data=place._get_all_var_data(),
        )
    )
