"""The rules of a send, as the composer's form has them: quiet hours, caps, pace, lateness, urgency, holdout."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from console.rows.once_form import instant, local_text

CHOICES: Final = {
    "quiet_hours": ("hold", "drop", "ignore"),
    "late_then": ("skip", "send", "ask"),
    "priority": ("normal", "high"),
    "on_unknown": ("retry", "never_twice"),
}
TEXTS: Final = ("throttle", "spread", "late_minutes", "not_after", "holdout")
LONGEST: Final = 32
_WHOLE: Final = re.compile(r"[0-9]+|[0-9]{1,3}([\s,.'\u2019][0-9]{3})+")
_PERCENT: Final = re.compile(r"[0-9]{1,3}([.,][0-9]{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class SendRules:
    """Numbers as typed; `not_after` on a clock in the app's zone."""

    quiet_hours: str = "hold"
    ignore_caps: bool = False
    throttle: str = ""
    spread: str = ""
    late_minutes: str = "60"
    late_then: str = "skip"
    not_after: str = ""
    priority: str = "normal"
    holdout: str = "0"
    on_unknown: str = "retry"


def rules_of(definition: Mapping[str, Any], zone: str) -> SendRules:
    late = definition["late"]
    return SendRules(
        quiet_hours=definition["quiet_hours"],
        ignore_caps=definition["ignore_caps"],
        throttle=_text(definition["throttle_per_minute"]),
        spread=_text(definition.get("spread_minutes")),
        late_minutes=str(late["minutes"]),
        late_then=late["then"],
        not_after=local_text(definition["not_after"], zone),
        priority=definition["priority"],
        holdout=f"{definition['holdout_percent']:.12g}",
        on_unknown=definition["on_unknown"],
    )


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def put(rules: SendRules, name: str, value: Any) -> SendRules:
    """The form after an edit; a field or a choice that there is not changes nothing."""
    if name == "ignore_caps":
        return replace(rules, ignore_caps=value is True)
    text = str(value)[:LONGEST].strip()
    if name in TEXTS or text in CHOICES.get(name, ()):
        return replace(rules, **{name: text})
    return rules


def change_of(rules: SendRules, name: str, zone: str) -> dict[str, Any]:
    """What a field says in the campaign. What cannot be read stands in it as typed: the service refuses it."""
    if name in ("late_minutes", "late_then"):
        return {"late": {"minutes": whole_or_text(rules.late_minutes), "then": rules.late_then}}
    if name == "throttle":
        return {"throttle_per_minute": whole_or_text(rules.throttle) if rules.throttle else None}
    if name == "spread":
        return {"spread_minutes": whole_or_text(rules.spread) if rules.spread else None}
    if name == "not_after":
        return {"not_after": instant(rules.not_after, zone) if rules.not_after else None}
    if name == "holdout":
        return {"holdout_percent": _percent(rules.holdout)}
    return {name: getattr(rules, name)} if name == "ignore_caps" or name in CHOICES else {}


def whole_or_text(text: str) -> int | str:
    """`10000` or `10 000`, however the thousands are set apart; the text itself when it is no whole number."""
    return int(re.sub(r"\D", "", text)) if _WHOLE.fullmatch(text) else text


def _percent(text: str) -> float | str:
    if not text:
        return 0
    return float(text.replace(",", ".")) if _PERCENT.fullmatch(text) else text
