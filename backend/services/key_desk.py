"""Authentication for many at once: requests that arrive together share one look-up of their keys.

Nothing is remembered between look-ups, so a key that is revoked ends at once.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from backend.bootstrap import Core
from backend.db import Actor
from backend.services import keys
from backend.services.group_commit import GroupCommit
from backend.services.keys import KeyHolder

VISITOR: Final = Actor("visitor")


class KeyDesk:
    """Says who holds a key; use it from one event loop."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._groups = GroupCommit("keys", self._look_up)
        self._touched: dict[int, datetime] = {}

    async def holder(self, secret: str) -> KeyHolder | None:
        """Whose key this is; None for anything that is not a key in force."""
        holder = await self._groups.submit(secret)
        if holder is not None and holder.stale and self._is_first(holder.key_id):
            await asyncio.to_thread(self._touch, holder.key_id)
        return holder

    def _look_up(self, secrets: Sequence[str]) -> list[KeyHolder | None]:
        with self._core.reading(VISITOR) as work:
            found = {secret: keys.authenticate(work, secret) for secret in set(secrets)}
        return [found[secret] for secret in secrets]

    def _is_first(self, key_id: int) -> bool:
        """Of a thousand requests that find `last_used` stale, one writes it."""
        now = self._core.clock()
        last = self._touched.get(key_id)
        if last is not None and now - last <= keys.TOUCH_EVERY:
            return False
        self._touched[key_id] = now
        return True

    def _touch(self, key_id: int) -> None:
        with self._core.work(VISITOR) as work:
            keys.touch(work, key_id)

    def close(self) -> None:
        """Waits for the look-up under way; nobody may ask afterwards."""
        self._groups.close()
