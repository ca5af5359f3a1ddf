"""The list of campaigns: search and state are in the address; live rows follow their runs."""

from collections.abc import Mapping
from dataclasses import dataclass

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.services import approvals, campaigns
from console import routes
from console.rows.campaigns import CampaignLine, is_live, line
from console.states.base import read, requires, viewer, write
from console.theme import APPROVAL, CAMPAIGN

PAGE = 50
WAITING = "waiting"
"""Among the states of the list: drafts that wait for a second member's approval."""


@dataclass(frozen=True, slots=True)
class StateFilter:
    """A chip above the list."""

    value: str
    label: str
    count: str


class CampaignsState(rx.State):
    """One page of campaigns and what narrows it. `live` while some are under way, `pending` while some will be."""

    search: str = ""
    only: str = ""
    filters: tuple[StateFilter, ...] = ()
    rows: tuple[CampaignLine, ...] = ()
    following: str = ""
    ready: bool = False
    live: bool = False
    pending: bool = False

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Reads search, state and page from the address."""
        asked = self.router.url.query_parameters
        self.search = asked.get("search", "")[:100]
        self.only = asked.get("state", "") if asked.get("state", "") in (WAITING, *CAMPAIGN) else ""
        await self._refresh()

    @rx.event
    @requires(Role.ANALYST)
    async def refresh(self, _moment: str = ""):
        """Every second while a campaign runs, more seldom while one waits."""
        await self._refresh()

    @rx.event
    @requires(Role.ANALYST)
    async def look_for(self, text: str):
        """Narrows the list by name; the address follows."""
        return rx.redirect(
            routes.with_query(routes.CAMPAIGNS, {"search": str(text)[:100], "state": self.only}), replace=True
        )

    @rx.event
    @requires(Role.EDITOR)
    async def pause(self, campaign_id: str):
        await write(campaigns.pause, campaign_id)
        await self._refresh()

    @rx.event
    @requires(Role.EDITOR)
    async def resume(self, campaign_id: str):
        await write(campaigns.resume, campaign_id)
        await self._refresh()

    @rx.event
    @requires(Role.EDITOR)
    async def unschedule(self, campaign_id: str):
        """Back to a draft."""
        await write(campaigns.unschedule, campaign_id)
        await self._refresh()
        return rx.toast.success("It is a draft again")

    @rx.event
    @requires(Role.EDITOR)
    async def cancel(self, campaign_id: str):
        """For good: what has not been sent never is."""
        await write(campaigns.cancel, campaign_id)
        await self._refresh()

    @rx.event
    @requires(Role.EDITOR)
    async def duplicate(self, campaign_id: str):
        """Opens the copy, which is a draft."""
        made = await write(campaigns.duplicate, campaign_id)
        return rx.redirect(routes.edit_campaign(made.row.id))

    @rx.event
    @requires(Role.EDITOR)
    async def delete(self, campaign_id: str):
        """A draft goes for good; an ended campaign leaves the list and keeps its numbers."""
        await write(campaigns.delete, campaign_id)
        await self._refresh()
        return rx.toast.success("Removed from the list")

    async def _refresh(self):
        cursor = self.router.url.query_parameters.get("cursor")
        page, counts, waiting, now = await read(_page, self.search, self.only, cursor)
        zone = viewer().app.default_timezone
        self.rows = tuple(line(row, zone, now) for row in page.items)
        self.following = page.next or ""
        self.live = any(is_live(row) for row in page.items)
        self.pending = any(row.state in ("scheduled", "active") for row in page.items)
        self.filters = _filters(counts, waiting)
        self.ready = True


def _page(work: Work, search: str, only: str, cursor: str | None):
    narrowed = {"waiting": True} if only == WAITING else {"state": only or None}
    found = campaigns.listing(work, search=search, cursor=cursor, limit=PAGE, **narrowed)
    return found, campaigns.state_counts(work), approvals.waiting(work), work.now


def _filters(counts: Mapping[str, int], waiting: int) -> tuple[StateFilter, ...]:
    """What waits for somebody comes first."""
    first = (StateFilter(WAITING, APPROVAL["asked"].word, f"{waiting:,}"),) if waiting else ()
    chips = (StateFilter(name, look.word, f"{counts[name]:,}") for name, look in CAMPAIGN.items() if counts.get(name))
    return (*first, *chips)
