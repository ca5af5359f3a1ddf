"""The pictures of the draft, fetched and judged by the server, shown from our own copies."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import reflex as rx

from backend.domain.vocabulary import Role
from backend.errors import Invalid
from backend.services import pictures
from console.components.draft import pictures_var
from console.core import core
from console.rows import pictures as rows
from console.states.base import app_number, call, requires

REMEMBERED = 50


class PictureState(rx.State):
    """What is known of each address, as JSON: Reflex would hand out wrapped dicts. A look goes on beside everything
    else: no keystroke waits for a picture."""

    _known: dict[str, str] = {}  # noqa: RUF012 - Reflex copies the defaults of a state

    @rx.event(background=True)
    @requires(Role.EDITOR)
    async def look(self, urls: list[str]):
        """Looks at the pictures that nobody has looked at yet."""
        async for event in _look(self, rows.wanted(urls if isinstance(urls, list) else [])):
            yield event

    @rx.event(background=True)
    @requires(Role.EDITOR)
    async def again(self, url: str):
        """Looks once more: the picture may be there now, or another one."""
        async with self:
            self._known = {name: row for name, row in self._known.items() if name != str(url).strip()}
        async for event in _look(self, rows.wanted([url])):
            yield event


async def _look(state: PictureState, urls: Sequence[str]) -> AsyncIterator[Any]:
    """The event that hands the browser what is known, and one more for each picture that has been looked at."""
    async with state:
        new = [url for url in urls if url not in state._known]
        told = [*state._known.items(), *((url, json.dumps(rows.CHECKING)) for url in new)]
        state._known = known = dict(told[-REMEMBERED:])
    yield _pushed(known)
    for asked in asyncio.as_completed([_told(url) for url in new]):
        url, row = await asked
        async with state:
            state._known = known = {**state._known, url: json.dumps(row)}
        yield _pushed(known)


def _pushed(known: Mapping[str, str]) -> Any:
    return pictures_var.push({url: json.loads(row) for url, row in known.items()})


async def _told(url: str) -> tuple[str, dict[str, Any]]:
    try:
        return url, rows.told(await call(pictures.look, core(), app_number(), url))
    except Invalid as error:
        return url, rows.refused(error.errors[0].message)
