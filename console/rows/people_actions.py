"""The forms of a person's page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AttributeForm:
    """An attribute that is being written; `name` is fixed unless it is a `new` one."""

    open: bool = False
    name: str = ""
    kind: str = "text"
    value: str = ""
    new: bool = True
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry of a select."""

    value: str
    label: str


EMPTY = AttributeForm()
