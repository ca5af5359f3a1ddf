"""Reads segment rules, react-querybuilder's query JSON, into their tree.

Whatever the language does not have is refused and named by its path (`rules[1].rules[0].value`); what
was read can be compiled without a further check.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from backend.domain.content import hides_characters
from backend.domain.segment import Circle, Group, Happened, Kind, Node, Pushed, Rule, Scalar, Subject, moment
from backend.domain.version import version_key

MAX_DEPTH = 8
MAX_RULES = 100
MAX_VALUES = 1000
MAX_DAYS = 36_500
LARGEST = 2**53


class RulesError(ValueError):
    """Rules that cannot be read; `problems` are pairs of path and sentence."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{path}: {message}" for path, message in problems))


class _Wrong(ValueError):
    """One wrong thing in a rule: at its `field`, `operator` or `value` (with what follows)."""

    def __init__(self, place: str, message: str) -> None:
        self.place, self.message = place, message
        super().__init__(message)


TEXT_OPERATORS = frozenset(
    {"=", "!=", "contains", "beginsWith", "endsWith", "in", "notIn", "null", "notNull"}
)  # fmt: skip
NUMBER_OPERATORS = frozenset({"=", "!=", "<", "<=", ">", ">=", "between"})
DATE_OPERATORS = frozenset({"before", "after", "between", "withinDays", "notWithinDays"})
VERSION_OPERATORS = frozenset({"<", "<=", ">", ">=", "between"})
COUNT_OPERATORS = frozenset({"countAtLeast", "countAtMost", "countExactly", "notDone"})

_FIELDS: dict[str, tuple[Kind, ...]] = {
    **dict.fromkeys(("user.id", "user.country", "user.language", "user.timezone"), (Kind.TEXT,)),
    "user.sessions": (Kind.NUMBER,),
    **dict.fromkeys(("user.first_seen", "user.last_active", "device.last_seen"), (Kind.DATE,)),
    **dict.fromkeys(
        (
            "device.platform", "device.provider", "device.state", "device.permission", "device.environment",
            "device.model", "device.locale", "device.timezone",
        ),
        (Kind.TEXT,),
    ),
    **dict.fromkeys(("device.os_version", "device.app_version"), (Kind.TEXT, Kind.VERSION)),
}  # fmt: skip
_OPERATORS = {
    Kind.TEXT: TEXT_OPERATORS,
    Kind.NUMBER: NUMBER_OPERATORS,
    Kind.DATE: DATE_OPERATORS,
    Kind.VERSION: VERSION_OPERATORS,
}
_NAMED = {Subject.ATTRIBUTE: 128, Subject.EVENT: 120, Subject.CATEGORY: 64}
_GROUP_KEYS = frozenset({"combinator", "not", "any_device", "rules"})
_RULE_KEYS = frozenset({"field", "operator", "value"})
_CLIENT_KEYS = frozenset({"id", "path"})


def parse(rules: Any) -> Group:
    """The tree. Raises `RulesError` with every wrong rule."""
    reader = _Reader()
    tree = reader.group(rules, "", 1)
    if reader.rules > MAX_RULES:
        reader.problems.append(("rules", f"has {reader.rules} rules; at most {MAX_RULES} are taken"))
    if reader.problems:
        raise RulesError(reader.problems)
    return tree


class _Reader:
    """Reads a tree and gathers what is wrong with it."""

    def __init__(self) -> None:
        self.problems: list[tuple[str, str]] = []
        self.rules = 0

    def group(self, given: Any, path: str, depth: int) -> Group:
        empty = Group(True, False, False, (), path)
        if wrong := _group_problem(given, depth):
            self.problems.append((_join(path, wrong.place), wrong.message))
            return empty
        self.rules += not given["rules"]  # a group of nothing is read and compiled as a rule is
        return Group(
            every=given["combinator"] == "and",
            negated=given.get("not", False),
            any_device=given.get("any_device", False),
            members=tuple(
                self.member(member, f"{_join(path, 'rules')}[{index}]", depth)
                for index, member in enumerate(given["rules"][: MAX_RULES + 1])
            ),
            path=path,
        )

    def member(self, given: Any, path: str, depth: int) -> Node:
        if isinstance(given, Mapping) and "rules" in given:
            return self.group(given, path, depth + 1)
        self.rules += 1
        try:
            return _rule(given, path)
        except _Wrong as wrong:
            self.problems.append((_join(path, wrong.place), wrong.message))
            return Group(True, False, False, (), path)


def _join(path: str, place: str) -> str:
    return f"{path}.{place}" if path and place else path or place


def _group_problem(given: Any, depth: int) -> _Wrong | None:
    if not isinstance(given, Mapping):
        return _Wrong("", "must be a group: {combinator, rules}")
    unknown = sorted(str(key) for key in given.keys() - _GROUP_KEYS - _CLIENT_KEYS)
    checks = (
        (not unknown, unknown[0][:40] if unknown else "", "is not a field of a group"),
        (given.get("combinator") in ("and", "or"), "combinator", "must be and or or"),
        (isinstance(given.get("not", False), bool), "not", "must be true or false"),
        (isinstance(given.get("any_device", False), bool), "any_device", "must be true or false"),
        (isinstance(given.get("rules"), list), "rules", "must be a list of rules and groups"),
        (depth <= MAX_DEPTH, "", f"is nested more than {MAX_DEPTH} groups deep"),
    )
    return next((_Wrong(place, message) for fine, place, message in checks if not fine), None)


def _rule(given: Any, path: str) -> Rule:
    if not isinstance(given, Mapping):
        raise _Wrong("", "must be a rule {field, operator, value} or a group {combinator, rules}")
    for key in given:
        if key not in _RULE_KEYS | _CLIENT_KEYS and (key, given[key]) != ("valueSource", "value"):
            raise _Wrong(str(key)[:40], "is not a field of a rule")
    field, operator, value = given.get("field"), given.get("operator"), given.get("value")
    if not isinstance(field, str):
        raise _Wrong("field", "must be the name of a field")
    subject, name = _subject(field)
    if not isinstance(operator, str):
        raise _Wrong("operator", "must be the name of an operator")
    kind, typed = _READERS[subject](field, operator, value)
    return Rule(subject, name, operator, kind, typed, path)


def _subject(field: str) -> tuple[Subject, str]:
    if field in _FIELDS:
        head, _, name = field.partition(".")
        return Subject(head), name
    if field in ("segment", "list", "sample"):
        return Subject(field), ""
    if field == "user.location":
        return Subject.LOCATION, ""
    if field in ("push.received", "push.opened"):
        return Subject.PUSH, field.removeprefix("push.")
    head, _, name = field.partition(".")
    if head in ("attr", "event", "category") and name:
        return Subject(head), _own_name(Subject(head), name)
    raise _Wrong("field", f"there is no field {field[:60]!r}")


def _own_name(subject: Subject, name: str) -> str:
    if len(name) > _NAMED[subject] or hides_characters(name) or "\n" in name:
        raise _Wrong("field", f"the name has more than {_NAMED[subject]} or unprintable characters")
    return name


def _plain(field: str, operator: str, value: Any) -> tuple[Kind, Any]:
    for kind in _FIELDS[field]:
        if operator in _OPERATORS[kind]:
            return kind, _BY_KIND[kind](operator, value)
    raise _no_operator(field, operator, frozenset().union(*(_OPERATORS[kind] for kind in _FIELDS[field])))


def _no_operator(field: str, operator: str, known: frozenset[str]) -> _Wrong:
    return _Wrong("operator", f"{field[:60]} has no operator {operator[:20]!r}; it has {' '.join(sorted(known))}")


def _attribute(field: str, operator: str, value: Any) -> tuple[Kind, Any]:
    """An attribute has no declared type: the operator and the value's own type say how it is compared."""
    if operator in ("includes", "notIncludes"):
        return Kind.LIST, _scalar(value)
    if operator == "=" and isinstance(value, bool):
        return Kind.BOOLEAN, value
    numeric = _is_number(value) or (isinstance(value, list) and any(map(_is_number, value)))
    if operator in ("<", "<=", ">", ">=") or (operator in ("=", "!=", "between") and numeric):
        return Kind.NUMBER, _number_value(operator, value)
    if operator in DATE_OPERATORS:
        return Kind.DATE, _date_value(operator, value)
    if operator in TEXT_OPERATORS:
        return Kind.TEXT, _text_value(operator, value)
    known = TEXT_OPERATORS | NUMBER_OPERATORS | DATE_OPERATORS | {"includes", "notIncludes"}
    raise _no_operator(field, operator, known)


def _text_value(operator: str, value: Any) -> Any:
    if operator in ("null", "notNull"):
        if value not in (None, ""):
            raise _Wrong("value", f"{operator} takes no value")
        return None
    if operator not in ("in", "notIn"):
        text = _text(value)
        if not text and operator in ("contains", "beginsWith", "endsWith"):
            raise _Wrong("value", "must not be empty")
        return text
    if not isinstance(value, list) or len(value) > MAX_VALUES:
        raise _Wrong("value", f"must be a list of at most {MAX_VALUES} texts")
    return tuple(_text(item, f"value[{index}]") for index, item in enumerate(value))


def _text(value: Any, place: str = "value") -> str:
    if not isinstance(value, str):
        raise _Wrong(place, "must be a text")
    if len(value) > 1000 or "\x00" in value or not _encodable(value):
        raise _Wrong(place, "has more than 1000 characters, or some that cannot be stored")
    return value


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any, place: str = "value", low: float = -LARGEST, high: float = LARGEST) -> float | int:
    if not _is_number(value):
        raise _Wrong(place, "must be a number")
    if not low <= value <= high:
        raise _Wrong(place, f"must be between {low:g} and {high:g}")
    return value  # type: ignore[no-any-return]


def _pair(value: Any, read: Callable[[Any, str], Any]) -> tuple[Any, Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise _Wrong("value", "must be a list of two: the lowest and the highest")
    return read(value[0], "value[0]"), read(value[1], "value[1]")


def _number_value(operator: str, value: Any) -> Any:
    return _pair(value, _number) if operator == "between" else _number(value)


def _date_value(operator: str, value: Any) -> Any:
    if operator in ("withinDays", "notWithinDays"):
        return _days(value)
    return _pair(value, _moment) if operator == "between" else _moment(value)


def _days(value: Any, place: str = "value") -> float | int:
    return _number(value, place, 0, MAX_DAYS)


def _moment(value: Any, place: str = "value") -> datetime:
    found = moment(value) if isinstance(value, str) else None
    if found is None:
        raise _Wrong(place, "must be a time in RFC 3339 with an offset, or a date")
    return found


def _version_value(operator: str, value: Any) -> Any:
    return _pair(value, _version) if operator == "between" else _version(value)


def _version(value: Any, place: str = "value") -> str:
    key = version_key(_text(value, place))
    if key is None:
        raise _Wrong(place, "must be a version such as 17.4.1")
    return key


def _scalar(value: Any, place: str = "value") -> Scalar:
    if isinstance(value, bool):
        return value
    return _number(value, place) if _is_number(value) else _text(value, place)


def _event(field: str, operator: str, value: Any) -> tuple[Kind, Happened]:
    if operator not in COUNT_OPERATORS | {"sumAtLeast"}:
        raise _no_operator(field, operator, COUNT_OPERATORS | {"sumAtLeast"})
    allowed = {"amount", "property", "days", "where"} if operator == "sumAtLeast" else {"times", "days", "where"}
    given = _object({} if value is None and operator == "notDone" else value, allowed)
    needed = {"sumAtLeast": "amount", "notDone": None}.get(operator, "times")
    if needed and needed not in given:
        raise _Wrong(f"value.{needed}", "is required")
    return Kind.OTHER, Happened(
        times=_times(given.get("times", 1)),
        amount=_number(given.get("amount", 0), "value.amount"),
        property=_property(given.get("property", "value"), "value.property"),
        days=None if given.get("days") is None else _days(given["days"], "value.days"),
        where=_where(given.get("where")),
    )


def _times(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 1_000_000:
        raise _Wrong("value.times", "must be a whole number from 0 to 1000000")
    return value


def _property(value: Any, place: str) -> str:
    name = _text(value, place)
    if not name or len(name) > 128 or hides_characters(name):
        raise _Wrong(place, "must be the name of a property")
    return name


def _where(value: Any) -> tuple[tuple[str, Scalar], ...]:
    if value is None:
        return ()
    if not isinstance(value, Mapping) or len(value) > 10:
        raise _Wrong("value.where", "must be an object of at most 10 properties and their values")
    return tuple((_property(name, "value.where"), _scalar(item, f"value.where.{name}")) for name, item in value.items())


def _object(value: Any, allowed: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _Wrong("value", f"must be an object of {', '.join(sorted(allowed))}")
    if unknown := sorted(str(key) for key in value.keys() - allowed):
        raise _Wrong(f"value.{unknown[0][:40]}", "is not known here")
    return value


def _push(field: str, operator: str, value: Any) -> tuple[Kind, Pushed]:
    if operator not in ("=", "!="):
        raise _no_operator(field, operator, frozenset({"=", "!="}))
    given = _object(value, {"campaign", "days"})
    campaign = _text(given.get("campaign"), "value.campaign")
    days = None if given.get("days") is None else _days(given["days"], "value.days")
    return Kind.OTHER, Pushed(None if campaign == "any" else campaign, days)


def _category(field: str, operator: str, value: Any) -> tuple[Kind, bool]:
    if operator != "=":
        raise _no_operator(field, operator, frozenset({"="}))
    if value not in ("opted_in", "opted_out"):
        raise _Wrong("value", "must be opted_in or opted_out")
    return Kind.OTHER, value == "opted_in"


def _membership(field: str, operator: str, value: Any) -> tuple[Kind, tuple[str, ...]]:
    if operator not in ("in", "notIn"):
        raise _no_operator(field, operator, frozenset({"in", "notIn"}))
    ids: tuple[str, ...] = _text_value("in", value if isinstance(value, list) else [value])
    if not ids or len(ids) > 50:
        raise _Wrong("value", f"must be the id of a {field}, or a list of 1 to 50")
    return Kind.OTHER, ids


def _sample(field: str, operator: str, value: Any) -> tuple[Kind, float]:
    if operator != "<":
        raise _no_operator(field, operator, frozenset({"<"}))
    return Kind.OTHER, _number(value, "value", 0, 100)


def _location(field: str, operator: str, value: Any) -> tuple[Kind, Circle]:
    if operator != "withinKm":
        raise _no_operator(field, operator, frozenset({"withinKm"}))
    given = _object(value, {"lat", "lon", "km"})
    lat = _number(given.get("lat"), "value.lat", -90, 90)
    lon = _number(given.get("lon"), "value.lon", -180, 180)
    return Kind.OTHER, Circle(lat, lon, _number(given.get("km"), "value.km", 0, 20_038))


_BY_KIND: dict[Kind, Callable[[str, Any], Any]] = {
    Kind.TEXT: _text_value,
    Kind.NUMBER: _number_value,
    Kind.DATE: _date_value,
    Kind.VERSION: _version_value,
}
_READERS: dict[Subject, Callable[[str, str, Any], tuple[Kind, Any]]] = {
    Subject.USER: _plain,
    Subject.DEVICE: _plain,
    Subject.ATTRIBUTE: _attribute,
    Subject.EVENT: _event,
    Subject.PUSH: _push,
    Subject.CATEGORY: _category,
    Subject.SEGMENT: _membership,
    Subject.LIST: _membership,
    Subject.SAMPLE: _sample,
    Subject.LOCATION: _location,
}


def canonical(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Readable rules without what only an editor needs, with `not` always said."""
    if "rules" not in rules:
        return {name: rules[name] for name in ("field", "operator", "value") if name in rules}
    any_device = {"any_device": True} if rules.get("any_device") else {}
    members = [canonical(member) for member in rules["rules"]]
    return {"combinator": rules["combinator"], "not": rules.get("not", False), **any_device, "rules": members}
