"""A pre-flight at work in a thread of its own: others see how far it is, and may stop it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from backend.db import Work
from backend.services import preflight, segmentation, timing
from backend.services.preflight import Preflight, Progress
from backend.services.timing import SchedulePreview
from console.states.base import read

GLANCE = 0.3
"""Seconds between two looks at how far it is."""


class Run:
    """One walk over an audience; `found` is set when it has come to its end."""

    def __init__(self, campaign_id: str, definition: Mapping[str, Any]) -> None:
        self._campaign, self._schedule = campaign_id, definition["schedule"]
        self._stopped = False
        self.found: tuple[Preflight, SchedulePreview] | None = None
        self.progress: Progress | None = None

    def stop(self) -> None:
        """At the end of the page that it is at."""
        self._stopped = True

    async def watch(self) -> AsyncIterator[Progress]:
        """Begins, and tells now and then how far it is. Raises what the pre-flight raises."""
        task = asyncio.ensure_future(read(self._walk))
        try:
            while not (await asyncio.wait({task}, timeout=GLANCE))[0]:
                if self.progress is not None:
                    yield self.progress
            self.found = task.result()
        finally:
            self.stop()

    def _walk(self, work: Work) -> tuple[Preflight, SchedulePreview] | None:
        for step in preflight.steps(work, self._campaign):
            if self._stopped:
                return None
            if isinstance(step, Preflight):
                return step, timing.preview(work, self._schedule)
            self.progress = step
        return None


def audience_now(work: Work, definition: Mapping[str, Any]) -> int:
    """How many devices the campaign would be planned for at this moment."""
    return segmentation.audience_size(work, definition["audience"]).devices
