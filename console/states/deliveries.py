"""The list of deliveries and one of them explained; every filter is in the address."""

from dataclasses import dataclass

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Invalid, NotFound
from backend.services import campaigns, dead_letters, deliveries
from console import routes
from console.rows.deliveries import DeliveryLine, DeliveryPage, delivery_line, delivery_page
from console.states.base import read, requires, viewer, write

PAGE = 50
NAMES = ("user_id", "campaign_id", "run_id", "state", "reason", "platform", "variant", "receipt")


@dataclass(frozen=True, slots=True)
class Filters:
    """What narrows the list, as in the address."""

    user_id: str = ""
    campaign_id: str = ""
    run_id: str = ""
    state: str = ""
    reason: str = ""
    platform: str = ""
    variant: str = ""
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Tag:
    """A filter that is on, and where to go to take it off."""

    label: str
    without: str


class DeliveriesState(rx.State):
    """One page of deliveries."""

    filters: Filters = Filters()
    tags: tuple[Tag, ...] = ()
    rows: tuple[DeliveryLine, ...] = ()
    following: str = ""
    first: bool = True
    ready: bool = False
    problem: str = ""

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Reads the filters from the address."""
        asked = self.router.url.query_parameters
        self.filters = Filters(**{name: asked.get(name, "")[:200] for name in NAMES})
        self.first = not asked.get("cursor")
        self.problem = ""
        try:
            page, name, now = await read(_page, self.filters, asked.get("cursor"))
        except (Invalid, NotFound) as error:
            self.rows, self.following, self.problem, self.ready = (), "", error.detail, True
            return
        zone = viewer().app.default_timezone
        self.rows = tuple(delivery_line(row, zone, now) for row in page.items)
        self.following = (
            routes.with_query(routes.DELIVERIES, {**_given(self.filters), "cursor": page.next}) if page.next else ""
        )
        self.tags = _tags(self.filters, name)
        self.ready = True

    @rx.event
    @requires(Role.ANALYST)
    async def narrow(self, name: str, value: str):
        """Sets one filter; the address follows."""
        if name not in NAMES:
            return None
        return rx.redirect(routes.deliveries(**{**_given(self.filters), name: str(value).strip()[:200]}))


class DeliveryState(rx.State):
    """One delivery, step by step."""

    shown: DeliveryPage = DeliveryPage()
    ready: bool = False
    missing: bool = False

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Reads the delivery that the address names."""
        self.ready, self.missing = False, False
        try:
            found, now = await read(_explained, self.router.url.path.strip("/").split("/")[-1])
        except NotFound:
            self.missing, self.ready = True, True
            return
        self.shown = delivery_page(found, viewer().app.default_timezone, now)
        self.ready = True

    @rx.event
    @requires(Role.ADMIN)
    async def retry(self):
        """Sends a dead letter again; what stands in the way is said."""
        delivery = self.shown.line.id
        done = await write(dead_letters.retry, [delivery])
        found, now = await read(_explained, delivery)
        self.shown = delivery_page(found, viewer().app.default_timezone, now)
        return rx.toast.warning(done.refused[0].reason) if done.refused else rx.toast.success("On its way again")


def _given(filters: Filters) -> dict[str, str]:
    return {name: value for name in NAMES if (value := getattr(filters, name))}


def _page(work: Work, filters: Filters, cursor: str | None):
    found = deliveries.search(work, **_given(filters), cursor=cursor, limit=PAGE)
    name = campaigns.get(work, filters.campaign_id).row.name if filters.campaign_id else ""
    return found, name, work.now


def _explained(work: Work, delivery_id: str):
    return deliveries.explain(work, delivery_id), work.now


def _tags(filters: Filters, campaign: str) -> tuple[Tag, ...]:
    words = {
        "campaign_id": f"Campaign: {campaign}",
        "run_id": "One run",
        "variant": f"Variant {filters.variant}",
        "reason": f"Reason: {filters.reason}",
    }
    given = _given(filters)
    return tuple(
        Tag(label, routes.deliveries(**{other: value for other, value in given.items() if other != name}))
        for name, label in words.items()
        if name in given
    )
