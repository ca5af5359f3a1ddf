"""What stops a send for its own good, written down: the guardrail on errors, the quarantine of a lane.

The sender, once a group and before it prunes:

    sentence = quarantine_tracker.sentence(credential_id, answered, gone)     one `Quarantine()` a process
    shut = quarantine(work, credential_id, sentence) if sentence else quarantined(work, credential_id)
    ... prune only when not shut ...
    if sentence := guardrail(run.answered, run.errors, app.error_limit_percent):
        stop(work, run_id, sentence)
    if errors and (sentence := lately(work, run_id, app.error_limit_percent)):      of an event campaign
        stop(work, run_id, sentence)
"""

from datetime import timedelta
from typing import Final

from backend.db import Work
from backend.domain.guard import Quarantine, guardrail
from backend.domain.vocabulary import PauseReason, RunState
from backend.queries import campaigns, credentials, endings, results
from backend.services import audit, ids

__all__ = ["Quarantine", "guardrail", "lately", "quarantine", "quarantined", "stop"]

LATELY: Final = timedelta(hours=1)
"""Over so long the runs of an event campaign, which have few people each, are judged as one."""


def quarantine(work: Work, credential_id: int, sentence: str) -> bool:
    """Stops pruning the devices of a lane until a member has looked; whether pruning is stopped now.

    False while a member's word stands that the addresses are dead indeed.
    """
    if credentials.quarantine(work.session, credential_id, sentence, work.now):
        name = ids.public(work, ids.CREDENTIAL, credential_id)
        audit.record(work, "credential.quarantined", name, reason=sentence)
    return quarantined(work, credential_id)


def quarantined(work: Work, credential_id: int) -> bool:
    """Whether no device of this lane may be pruned now."""
    return credentials.quarantined(work.session, credential_id)


def lately(work: Work, run_id: int, limit_percent: int) -> str | None:
    """The sentence of `guardrail` over the last hour of the event campaign that this run is of; None of any other.

    To be asked when there was an error: without one the share has not grown.
    """
    return guardrail(*results.answered_lately(work.session, run_id, work.now - LATELY), limit_percent)


def stop(work: Work, run_id: int, sentence: str) -> bool:
    """Pauses a running send and its campaign, with its other runs, for too many errors; whether it was running.

    API messages and tests go on: there is nobody who could resume them.
    """
    if (owner := endings.lock_campaign_of(work.session, run_id)) is None:
        return False
    why = {"pause_reason": PauseReason.GUARDRAIL, "pause_detail": sentence}
    paused = {"state": RunState.PAUSED, **why, "activity_at": work.now}
    if not campaigns.set_run(work.session, run_id, [RunState.RUNNING], **paused):
        return False
    for other in campaigns.open_runs(work.session, owner):
        campaigns.set_run(work.session, other.id, [RunState.PLANNING, RunState.RUNNING], **paused)
    campaigns.pause_campaign_of(work.session, run_id, work.now)
    name = ids.public(work, ids.CAMPAIGN, owner)
    audit.record(work, "campaign.pause", name, reason=PauseReason.GUARDRAIL, detail=sentence)
    return True
