"""Two people who do the same at once: one of them is told so, nothing breaks."""

import threading
from collections.abc import Callable
from typing import Any

from backend.bootstrap import Core
from backend.db import OPERATOR, Work
from backend.errors import Conflict, TocsinError
from backend.services import blocks, subscribers, templates, testers
from backend.services.apps import AppRow

AT_ONCE = 4
ROUNDS = 8


def at_once(core: Core, app: AppRow, act: Callable[[Work, int], Any]) -> list[Any]:
    """What each got, or the error that they were told."""
    gate, got = threading.Barrier(AT_ONCE), dict[int, Any]()

    def run(place: int) -> None:
        gate.wait()
        try:
            with core.work(OPERATOR, app.number) as work:
                got[place] = act(work, place)
        except TocsinError as error:
            got[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == AT_ONCE, "somebody was told of nothing that we know"
    return list(got.values())


def test_a_block_of_that_name_is_made_once(core: Core, app: AppRow):
    for number in range(ROUNDS):
        got = at_once(core, app, lambda work, _, number=number: blocks.create(work, f"b{number}", "x").name)
        assert [type(one) for one in got if one != f"b{number}"] == [Conflict] * (AT_ONCE - 1)


def test_each_save_of_a_template_is_a_version_of_its_own(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        made = templates.create(work, "t", {"title": "first"}).id
    seen = {1}
    for number in range(ROUNDS):

        def save(work: Work, place: int, number: int = number) -> int:
            if place == 0:
                return templates.restore(work, made, 1).version
            return templates.save(work, made, content={"title": f"{number} {place}"}).version

        got = at_once(core, app, save)
        assert all(isinstance(one, int) for one in got), got
        seen.update(got)
    with core.reading(OPERATOR, app.number) as work:
        kept = [one.version for one in templates.versions(work, made)]
    assert kept == list(range(len(kept), 0, -1))
    assert set(kept) == seen


def test_somebody_is_made_a_tester_once(core: Core, app: AppRow):
    for number in range(ROUNDS):
        with core.work(OPERATOR, app.number) as work:
            subscribers.users_batch(work, [{"user_id": f"u{number}"}])
        got = at_once(core, app, lambda work, _, number=number: testers.add(work, f"u{number}", name="x").user_id)
        assert got == [f"u{number}"] * AT_ONCE
    with core.reading(OPERATOR, app.number) as work:
        assert len(testers.listing(work)) == ROUNDS
