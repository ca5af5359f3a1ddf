"""A second member's approval in words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from backend.domain.vocabulary import ApprovalState
from backend.services.approvals import CHANGED, ApprovalRow, Approvals
from console import words
from console.words import NEVER, When

NOBODY: Final = (
    "No other member of this app may approve yet: an admin can add one, with the role of an editor or above."
)
SAID: Final = {
    ApprovalState.APPROVED: "approved",
    ApprovalState.DECLINED: "declined",
    ApprovalState.WITHDRAWN: "withdrew it",
}
NAMES_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Question:
    """One question and its answer. `asked` and `answered` say who did, `devices` how many it was about."""

    id: str = ""
    state: str = ""
    asked: str = ""
    when: When = NEVER
    devices: str = ""
    note: str = ""
    answered: str = ""
    then: When = NEVER
    answer: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalPanel:
    """What the launch step says of approval. `shown` where the app wants one; `open` is the question that stands, and
    `mine` whether whoever looks may answer it. `may_ask` is true while nothing stands for this very draft.
    `blocked` is why it may not be launched yet, `fixed` why what has been launched cannot be changed.
    """

    shown: bool = False
    blocked: str = ""
    fixed: str = ""
    state: str = ""
    mine: bool = False
    may_ask: bool = False
    approvers: str = ""
    open: Question = Question()
    earlier: tuple[Question, ...] = ()


def panel_of(found: Approvals, state: str, zone: str, now: datetime) -> ApprovalPanel:
    """The panel of a draft; of what has been launched nothing is asked any more."""
    asked = [question(one, zone, now) for one in found.history]
    first = asked[0] if asked else Question()
    standing = first.state in (ApprovalState.ASKED, ApprovalState.APPROVED)
    return ApprovalPanel(
        shown=found.required and state == "draft",
        blocked=found.blocked or "",
        fixed=found.fixed or "",
        state=first.state,
        mine=found.may_answer and first.state == ApprovalState.ASKED,
        may_ask=not standing,
        approvers=_who(found.approvers),
        open=first,
        earlier=tuple(asked[1:]),
    )


def question(row: ApprovalRow, zone: str, now: datetime) -> Question:
    stands = row.state in (ApprovalState.ASKED, ApprovalState.APPROVED)
    return Question(
        id=row.id,
        state=CHANGED if stands and row.changed else row.state,
        asked=f"{_name(row.asked_by)} asked",
        when=words.when(row.asked_at, zone, now),
        devices=words.plural(row.devices, "device"),
        note=row.note,
        answered=f"{_name(row.answered_by or '')} {SAID[row.state]}" if row.state in SAID else "",
        then=words.when(row.answered_at, zone, now),
        answer=row.answer,
    )


def _who(approvers: tuple[str, ...]) -> str:
    if not approvers:
        return NOBODY
    shown, more = approvers[:NAMES_SHOWN], len(approvers) - NAMES_SHOWN
    names = ", ".join(shown) + (f" or {words.plural(more, 'other')}" if more > 0 else "")
    return f"{names} may approve it." if more > 0 else f"{_either(shown)} may approve it."


def _either(names: tuple[str, ...]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def _name(actor: str) -> str:
    """A member by their address, a program by what its key is called."""
    kind, _, label = actor.partition(" ")
    return f"The key {label}" if kind == "key" else label or actor
