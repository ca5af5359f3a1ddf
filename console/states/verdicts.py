"""Why a person gets a campaign or not: asked on the person's page, and on the campaign's."""

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Invalid, NotFound
from backend.services import campaigns, verdicts
from console.rows.verdicts import CampaignChoice, VerdictPage, verdict_page
from console.states.base import read, requires, viewer

CHOICES = 100


class VerdictState(rx.State):
    """The box: what was asked, and the answer."""

    choices: tuple[CampaignChoice, ...] = ()
    asked: str = ""
    shown: VerdictPage = VerdictPage()
    problem: str = ""
    open: bool = False

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Closed at first: the box that was open elsewhere stays there."""
        self.reset()

    @rx.event
    @requires(Role.ANALYST)
    async def show(self, is_open: bool):
        """Opens the box, with the newest campaigns to choose from on a person's page."""
        self.reset()
        self.open = bool(is_open)
        if self.open and self._place()[0] == "people":
            self.choices = await read(_choices)

    @rx.event
    @requires(Role.ANALYST)
    async def of_campaign(self, campaign_id: str):
        """A campaign, on a person's page."""
        await self._ask(str(campaign_id), self._place()[1], campaign_id)

    @rx.event
    @requires(Role.ANALYST)
    async def of_person(self, form: dict):
        """A person by their id, on a campaign's page."""
        user = str(form.get("explain_user", "")).strip()[:255]
        await self._ask(self._place()[1], user, user)

    async def _ask(self, campaign_id: str, user: str, asked: str):
        self.asked, self.shown, self.problem = str(asked), VerdictPage(), ""
        if not campaign_id or not user:
            return
        try:
            found = await read(verdicts.explain, campaign_id, user)
        except Invalid as error:
            self.problem = f"This campaign {error.errors[0].message}."
        except NotFound as error:
            self.problem = error.detail
        else:
            self.shown = verdict_page(found, viewer().app.default_timezone, found.at)

    def _place(self) -> tuple[str, str]:
        """What the address is of: `people` or `campaigns`, and which."""
        parts = [*self.router.url.path.strip("/").split("/"), "", ""]
        return parts[0], parts[1]


def _choices(work: Work) -> tuple[CampaignChoice, ...]:
    rows = campaigns.listing(work, limit=CHOICES).items
    return tuple(CampaignChoice(row.id, f"{row.name} · {row.state}") for row in rows)
