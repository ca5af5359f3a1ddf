"""Adding a channel: the guide of one platform, and what has been seen to work."""

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Platform, Role, Scope
from backend.errors import NotFound
from backend.services import channels, keys
from console.core import core
from console.rows import channels as rows
from console.rows.channels import Guide, Mark
from console.states.base import read, requires, viewer, write
from console.words import NEVER, When

KEY_NAME = "From “Add a channel”"


class ChannelsState(rx.State):
    """The page. `key` is one that was made here: it is shown until the page is left, and never again."""

    guide: Guide = Guide()
    marks: tuple[Mark, ...] = ()
    registered: When = NEVER
    key: str = ""
    no_app: bool = False

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        self.reset()
        asked = self.router.url.query_parameters.get("platform", "")
        self._show(asked if asked in {*Platform} else Platform.IOS)
        await self._look()

    @rx.event
    @requires(Role.EDITOR)
    async def choose(self, platform: str):
        if platform in {*Platform}:
            self._show(platform)
            await self._look()

    @rx.event
    @requires(Role.EDITOR)
    async def refresh(self, _instant: str = ""):
        """The page's clock strikes once before the page has loaded."""
        if self.guide.platform:
            await self._look()

    @rx.event
    @requires(Role.ADMIN)
    async def make_key(self):
        """A client key, filled into the code."""
        _, self.key = await write(keys.add_key, scope=Scope.CLIENT, name=KEY_NAME)
        self._show(self.guide.platform)
        return rx.toast.success("Client key made and filled in")

    def _show(self, platform: str):
        self.guide = rows.guide(Platform(platform), core().settings.base_url, self.key)

    async def _look(self):
        try:
            found, now = await read(_progress)
        except NotFound:
            self.no_app = True
            return
        channel = next(one for one in found if one.platform == self.guide.platform)
        self.marks = rows.marks(channel)
        self.registered = rows.last_seen(channel, viewer().app.default_timezone, now)


def _progress(work: Work):
    return channels.progress(work), work.now
