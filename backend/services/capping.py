"""What people have been sent of late, as caps count it: read ahead of the decision, and once more where it is made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from backend.db import Work
from backend.domain.caps import Sent
from backend.queries import deliveries
from backend.services.runs import Prepared, Ready, RunContext, judge

Recent = Mapping[int, tuple[Sent, ...]]


def recent(
    work: Work, context: RunContext, users: Iterable[int | None], now: datetime, earliest: datetime | None = None
) -> Recent:
    """The pushes of other runs that count at `now` (or, where given, since `earliest`), by user.

    Nothing where no cap applies.
    """
    if not context.policy.capped:
        return {}
    known = [user for user in users if user is not None]
    since = (earliest or now) - context.policy.look_back
    return deliveries.recent(work.session, context.run_id, known, since, now, context.rank)


def look_again(work: Work, context: RunContext, prepared: Sequence[Prepared]) -> list[Prepared]:
    """The same rows, decided anew with what their people have been sent by now.

    From here to the commit nobody else decides on these people, so that two runs do not both take the last place.
    """
    ready = [one for one in prepared if isinstance(one, Ready)]
    if not ready or not context.policy.capped:
        return list(prepared)
    users = [one.user_id for one in ready if one.user_id is not None]
    deliveries.lock_people(work.session, users)
    sent = recent(work, context, users, work.now)
    return [_anew(one, context, sent, work.now) if isinstance(one, Ready) else one for one in prepared]


def _anew(ready: Ready, context: RunContext, sent: Recent, now: datetime) -> Prepared:
    whom = replace(ready.target, sent=sent.get(ready.user_id or 0, ()))
    return judge(ready.id, whom, context, now) or ready
