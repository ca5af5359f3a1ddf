"""What has changed since the campaign was sent last."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from backend.db import Work
from backend.domain.metrics import OUTCOMES, Measure
from backend.queries import preflight as queries
from backend.queries import stats
from backend.services import ids
from backend.services.preflight_tally import Tally


@dataclass(frozen=True, slots=True)
class SinceLast:
    """The campaign's last finished run beside the pre-flight: then, and what a launch now would have more or fewer.

    `send` are the devices that were not skipped; reasons of which nothing differs are left out of `skipped_change`.
    """

    run_id: str
    at: datetime
    audience: int
    send: int
    skipped: dict[str, int]
    audience_change: int
    send_change: int
    skipped_change: dict[str, int]


def since_last(work: Work, campaign: int, tally: Tally) -> SinceLast | None:
    """None for a campaign that has not been sent yet, or whose rows have gone by retention."""
    run = queries.last_finished(work.session, campaign)
    counted = stats.rows(work.session, stats.outcomes([run.id], "reason")) if run else ()
    if run is None or not counted:
        return None
    skipped: Counter[str] = Counter()
    for _, state, reason, count in counted:
        if state in OUTCOMES[Measure.SKIPPED]:
            skipped[reason or state] += count
    audience = sum(count for *_, count in counted)
    send, now = audience - skipped.total(), tally.skipped + tally.later
    changes = {reason: now[reason] - skipped[reason] for reason in {**skipped, **now}}
    return SinceLast(
        run_id=ids.public(work, ids.RUN, run.id),
        at=run.due_at,
        audience=audience,
        send=send,
        skipped=dict(skipped),
        audience_change=tally.audience - audience,
        send_change=tally.audience - now.total() - send,
        skipped_change={reason: change for reason, change in changes.items() if change},
    )
