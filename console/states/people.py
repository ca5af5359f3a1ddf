"""The list of people, and how good their addresses are; every filter is in the address."""

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Invalid, NotFound
from backend.services import people_search
from backend.services.people_search import Filters, Found
from console import routes, words
from console.rows.people import Chip, Doubt, HealthLine, PersonLine, chips, doubt, health_lines, person_line
from console.states.base import read, requires, viewer

PAGE = 50
NAMES = ("q", "device", "platform", "anonymous")
LONGEST = 4096


class PeopleState(rx.State):
    """One page of people. `empty`: the app knows nobody at all. `looked`: how many were looked at, when not all were."""

    text: str = ""
    chips: tuple[Chip, ...] = ()
    rows: tuple[PersonLine, ...] = ()
    following: str = ""
    first: bool = True
    narrowed: bool = False
    ready: bool = False
    problem: str = ""
    looked: str = ""
    health: bool = False

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Reads what to look for from the address."""
        asked = self.router.url.query_parameters
        given = {name: asked.get(name, "")[:LONGEST] for name in NAMES if asked.get(name)}
        self.health = asked.get("view") == "health"
        self.text, self.chips, self.narrowed = given.get("q", ""), chips(given), bool(given)
        self.first, self.problem = not asked.get("cursor"), ""
        try:
            found, now = await read(_found, given, asked.get("cursor"))
        except (Invalid, NotFound) as error:
            self.rows, self.following, self.looked, self.problem, self.ready = (), "", "", error.detail, True
            return
        zone = viewer().app.default_timezone
        self.rows = tuple(person_line(row, zone, now) for row in found.items)
        self.looked = words.number(found.looked) if found.looked else ""
        self.following = routes.people(**given, cursor=found.next) if found.next else ""
        self.ready = True

    @rx.event
    @requires(Role.ANALYST)
    async def look_for(self, text: str):
        """Sets what is looked for; the address follows."""
        asked = self.router.url.query_parameters
        kept = {name: asked.get(name, "") for name in NAMES if name != "q"}
        return rx.redirect(routes.people(q=str(text).strip()[:LONGEST], **kept))


class TokenHealthState(rx.State):
    """How good the app's addresses are: counted when somebody looks."""

    lines: tuple[HealthLine, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    ready: bool = False

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Counts the devices, where the address asks for it."""
        self.ready = False
        if self.router.url.query_parameters.get("view") != "health":
            return
        found, now = await read(_health)
        zone = viewer().app.default_timezone
        self.lines = health_lines(found)
        self.doubts = tuple(doubt(one, zone, now) for one in found.quarantines)
        self.ready = True


def _found(work: Work, given: dict[str, str], cursor: str | None) -> tuple[Found, object]:
    filters = Filters(given.get("device"), given.get("platform"), given.get("anonymous") == "1")
    found = people_search.search(work, given.get("q", ""), filters, cursor=cursor, limit=PAGE)
    return found, work.now


def _health(work: Work) -> tuple[people_search.TokenHealth, object]:
    return people_search.health(work), work.now
