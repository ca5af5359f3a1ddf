"""An app's policies, and what other ones would have changed yesterday."""

from fastapi import APIRouter

from backend.api.admin import InChosen
from backend.services import policies, policy_preview
from backend.services.policies import Policies, PoliciesIn
from backend.services.policy_preview import PolicyPreview, PreviewIn

router = APIRouter(prefix="/policies", tags=["Admin"])


@router.get("", summary="Quiet hours, caps and limits of an app")
def get_policies(caller: InChosen) -> Policies:
    """With the caps of its categories, which are changed under `/categories`."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return policies.get(work)


@router.put("", summary="Set quiet hours, caps and limits")
def put_policies(caller: InChosen, body: PoliciesIn) -> Policies:
    """What is named is set as a whole; what is not named stays."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return policies.put(work, body)


@router.post("/preview", summary="What policies would have changed yesterday")
def preview_policies(caller: InChosen, body: PreviewIn) -> PolicyPreview:
    """The app's last full day, played again under the policies that are named; nothing is written.

    Each cap is tried alone, and several ones together as well (`cap: null`). Very busy days are estimated from some
    of the people (`sampled`).
    """
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return policy_preview.preview(work, body)
