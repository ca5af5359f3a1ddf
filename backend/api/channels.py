"""How far each platform has come on its way from credential to receipt."""

from dataclasses import dataclass

from fastapi import APIRouter

from backend.api.deps import ServerCaller
from backend.services import channels
from backend.services.channels import Channel

router = APIRouter(prefix="/channels", tags=["Server"])


@dataclass(frozen=True, slots=True)
class ChannelsOut:
    """One row a platform."""

    items: tuple[Channel, ...]


@router.get("")
def get_channels(caller: ServerCaller) -> ChannelsOut:
    """Whether each platform has a credential, a device, a push accepted by its provider, and a receipt from a device."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return ChannelsOut(channels.progress(work))
