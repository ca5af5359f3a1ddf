"""Group commit: while one transaction is being written, what arrives gathers for the next one."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from backend import again
from backend.errors import Overtaken

Part = TypeVar("Part")
Result = TypeVar("Result")
GROUP: Final = 500


@dataclass(slots=True)
class _Group(Generic[Part, Result]):
    """Requests that share a transaction; `task` gives the result of each part, by its place."""

    parts: list[Part] = field(default_factory=list)
    size: int = 0
    task: "asyncio.Task[Sequence[Result | Exception]] | None" = None


class GroupCommit(Generic[Part, Result]):
    """Shares transactions among requests that arrive together: a lone one waits for nobody.

    `act` opens one unit of work for all the parts that it is given and says what became of each; an
    exception among its answers is raised for that part alone. A group that the database refuses for what
    some part holds is done again part by part, so that one spoils no other. Use it from one event loop;
    the database is spoken to in threads of its own, `abreast` of them for groups that are full when they begin,
    one for the others: what waits for it gathers.
    """

    def __init__(
        self, name: str, act: Callable[[Sequence[Part]], Sequence[Result | Exception]], abreast: int = 1
    ) -> None:
        self._act = act
        self._threads = ThreadPoolExecutor(abreast, thread_name_prefix=name)
        self._turn = asyncio.Lock()
        self._full = asyncio.Semaphore(abreast)
        self._gathering: _Group[Part, Result] | None = None

    async def submit(self, part: Part, size: int = 1) -> Result:
        """Returns once the part is committed; raises what the transaction raised, or this part's refusal.

        `size` is what the part counts for among the 500 of a group; a larger one is a group of its own.
        """
        group = self._join(size)
        place = len(group.parts)
        group.parts.append(part)
        group.size += size
        assert group.task is not None
        result = (await asyncio.shield(group.task))[place]
        if isinstance(result, Exception):
            raise result
        return result

    def _join(self, size: int) -> _Group[Part, Result]:
        group = self._gathering
        if group is None or group.size + size > GROUP:
            group = self._gathering = _Group()
            group.task = asyncio.create_task(self._commit(group))
        return group

    async def _commit(self, group: _Group[Part, Result]) -> Sequence[Result | Exception]:
        async with self._full if group.size >= GROUP else self._turn:
            if self._gathering is group:
                self._gathering = None
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._together, group.parts)

    def _together(self, parts: Sequence[Part]) -> Sequence[Result | Exception]:
        try:
            return self._act(parts)
        except (DataError, IntegrityError, Overtaken):
            return [self._alone(part) for part in parts]
        except OperationalError as error:
            if not again.passes(error):
                raise  # the database is not there: asking it once for each part would only take longer
            return [self._alone(part) for part in parts]

    def _alone(self, part: Part) -> Result | Exception:
        try:
            return again.anew(self._act)([part])[0]
        except (DBAPIError, Overtaken) as error:
            return error

    def close(self) -> None:
        """Waits for the transactions under way; nothing may be submitted afterwards."""
        self._threads.shutdown()
