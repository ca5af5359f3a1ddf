"""The dead letters of the health page: found by what is in the address, sent again or dropped."""

from collections import Counter

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Invalid, NotFound
from backend.services import dead_letters
from backend.services.dead_letters import Filters
from console import routes, words
from console.rows import dead_letters as lines
from console.states.base import read, requires, viewer, write

PAGE = 25
NAMES = ("campaign_id", "lane", "reason")
VERBS = {"retry": dead_letters.retry, "drop": dead_letters.drop}


class DeadLettersState(rx.State):
    """One page of them. `matched` is how many the filters match, `picked` which ones are ticked,
    `opened` the one whose reply is shown.
    """

    chosen: lines.Chosen = lines.Chosen()
    options: lines.Options = lines.Options()
    rows: tuple[lines.LetterLine, ...] = ()
    matched: str = "0"
    picked: tuple[str, ...] = ()
    opened: str = ""
    following: str = ""
    first: bool = True
    ready: bool = False
    busy: str = ""
    told: str = ""

    @rx.event
    @requires(Role.ADMIN)
    async def load(self):
        """Reads the filters from the address."""
        asked = self.router.url.query_parameters
        self.chosen = lines.Chosen(**{name: asked.get(name, "")[:120] for name in NAMES})
        self.picked, self.told, self.first = (), "", not asked.get("cursor")
        await self._refresh()

    @rx.event
    @requires(Role.ADMIN)
    async def narrow(self, name: str, value: str):
        """Sets one filter; the address follows."""
        if name not in NAMES:
            return None
        opened = self.router.url.query_parameters.get("open", "")
        return rx.redirect(routes.health(**{**_given(self.chosen), name: str(value)[:120], "open": opened}))

    @rx.event
    @requires(Role.ADMIN)
    async def pick(self, letter: str, picked: bool):
        kept = [one for one in self.picked if one != letter]
        self._pick([*kept, str(letter)] if picked else kept)

    @rx.event
    @requires(Role.ADMIN)
    async def pick_page(self, picked: bool):
        self._pick([row.id for row in self.rows] if picked else [])

    @rx.event
    @requires(Role.ADMIN)
    async def show(self, letter: str):
        """Shows the provider's reply, or hides it again."""
        self.opened = "" if self.opened == letter else str(letter)
        self.rows = lines.marked(self.rows, self.picked, self.opened)

    @rx.event
    @requires(Role.ADMIN)
    async def treat(self, verb: str, letter: str):
        """Retries or drops one, or (`picked`) the ticked ones."""
        names = list(self.picked) if letter == "picked" else [str(letter)]
        if verb in VERBS and names:
            done = await write(VERBS[verb], names)
            await self._tell(verb, done.count, lines.reasons_of(done.refused))

    @rx.event
    @requires(Role.ADMIN)
    async def treat_all(self, verb: str):
        """Retries or drops all that the filters match, ten thousand at a time."""
        if verb not in VERBS or self.busy:
            return
        count, refused, cursor, more = 0, Counter(), None, True
        filters = Filters(**_given(self.chosen))
        self.busy = "Working"
        yield
        try:
            while more:
                done = await write(VERBS[verb], None, filters, cursor=cursor)
                count, refused, cursor = count + done.count, refused + lines.reasons_of(done.refused), done.next
                more, self.busy = cursor is not None, f"{words.number(count)} of {self.matched}"
                yield
        finally:
            self.busy = ""
        await self._tell(verb, count, refused)

    def _pick(self, letters: list[str]) -> None:
        self.picked = tuple(letters)
        self.rows = lines.marked(self.rows, self.picked, self.opened)

    async def _tell(self, verb: str, count: int, refused: Counter[str]):
        self.picked, self.told = (), lines.outcome(verb, count, refused)
        await self._refresh()

    async def _refresh(self):
        try:
            page, facets, now = await read(_page, self.chosen, self.router.url.query_parameters.get("cursor"))
        except (Invalid, NotFound):
            self.rows, self.following, self.ready, self.matched = (), "", True, "0"
            return
        zone = viewer().app.default_timezone
        self.options = lines.options(facets, self.chosen)
        self.rows = lines.marked([lines.letter_line(row, zone, now) for row in page.items], self.picked, self.opened)
        self.matched = words.number(lines.matched(facets, self.chosen))
        self.following = routes.health(**_given(self.chosen), cursor=page.next) if page.next else ""
        self.ready = True


def _given(chosen: lines.Chosen) -> dict[str, str]:
    return {name: value for name in NAMES if (value := getattr(chosen, name))}


def _page(work: Work, chosen: lines.Chosen, cursor: str | None):
    found = dead_letters.listing(work, Filters(**_given(chosen)), cursor=cursor, limit=PAGE)
    return found, dead_letters.facets(work), work.now
