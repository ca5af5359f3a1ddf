"""Requests that arrive together share a transaction, and each is told of its own part only."""

import asyncio
import threading

import pytest
from push_rows import count
from sqlalchemy import event, text
from sqlalchemy.exc import DataError, OperationalError

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.errors import Invalid, NotAuthenticated
from backend.services import keys, subscribers
from backend.services.events import EventLog, EventsResult, Told
from backend.services.group_commit import GROUP, GroupCommit
from backend.services.key_desk import KeyDesk
from backend.services.subscribers import EventIn


class Deadlock(Exception):
    sqlstate = "40P01"


@pytest.fixture
def log(core: Core):
    made = EventLog(core)
    yield made
    made.close()


def told(app, *names: str, **more) -> Told:
    return Told(app.number, [EventIn(name="seen", id=name, user_id=f"u{name}") for name in names], **more)


async def test_events_that_arrive_together_share_a_commit(core, app, log):
    commits: list[object] = []
    event.listen(core.engine, "commit", commits.append)
    asked = [log.submit(told(app, f"e{number}", f"e{number}")) for number in range(60)]
    results = await asyncio.gather(*asked, log.submit(told(app, "e1", "new")), log.submit(told(app)))
    assert results == [EventsResult(1, 1)] * 61 + [EventsResult(0, 0)]
    assert (len(commits), count(core, "event"), count(core, "user")) == (1, 61, 61)


async def test_a_refusal_is_its_own_requests_only(core, app, log):
    wrong = Told(app.number, [EventIn(name="seen", device_id="dev_nobodys")])
    nobody = Told(app.number, [EventIn(name="seen")], trusted=False)
    results = await asyncio.gather(
        log.submit(told(app, "a")), log.submit(wrong), log.submit(nobody), log.submit(told(app, "b")),
        return_exceptions=True,
    )  # fmt: skip
    assert [type(result) for result in results] == [EventsResult, Invalid, NotAuthenticated, EventsResult]
    assert count(core, "event") == 2


async def test_what_the_database_refuses_of_one_part_spoils_no_other(core):
    def act(parts):
        with core.work(OPERATOR) as work:
            for part in parts:
                if part < 0:
                    raise DataError("", {}, ValueError("no such number"))
                work.session.execute(text(f"INSERT INTO app_slug VALUES ({part})"))
        return parts

    with core.engine.begin() as connection:
        connection.execute(text("CREATE TABLE app_slug (number integer)"))
    group = GroupCommit("numbers", act)
    try:
        results = await asyncio.gather(*(group.submit(part) for part in (1, -1, 2)), return_exceptions=True)
        assert [type(result) for result in results] == [int, DataError, int]
        assert count(core, "app_slug") == 2
    finally:
        group.close()
        with core.engine.begin() as connection:
            connection.execute(text("DROP TABLE app_slug"))


async def test_a_deadlock_is_tried_again_and_a_lost_database_is_not():
    tries: list[list[int]] = []

    def act(parts):
        tries.append(list(parts))
        if len(tries) == 1 or parts == [9]:
            raise OperationalError("", {}, Deadlock() if parts != [9] else ValueError("gone"))
        return parts

    group = GroupCommit("numbers", act)
    assert await asyncio.gather(group.submit(1), group.submit(2)) == [1, 2]
    assert tries == [[1, 2], [1], [2]]
    with pytest.raises(OperationalError):
        await group.submit(9)
    assert tries[3:] == [[9]]
    group.close()


async def test_full_groups_are_written_abreast_and_what_is_small_gathers():
    meeting, small = threading.Barrier(2, timeout=5), []

    def act(parts):
        if parts[0] == "full":
            meeting.wait()
        else:
            small.append(list(parts))
        return parts

    group = GroupCommit("words", act, abreast=2)
    full = [group.submit("full", GROUP) for _ in range(4)]
    first, *others = (asyncio.create_task(group.submit(f"small {n}")) for n in range(4))
    assert await asyncio.wait_for(asyncio.gather(*full), 10) == ["full"] * 4
    await asyncio.gather(first, *others)
    assert small == [[f"small {n}" for n in range(4)]]
    group.close()


async def test_keys_are_looked_up_together_written_once_and_revoked_at_once(core, app):
    with core.work(OPERATOR, app.number) as work:
        row, secret = keys.add_key(work, scope="server")
    desk, said = KeyDesk(core), []
    event.listen(core.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_rest: said.append(statement))
    holders = await asyncio.gather(*(desk.holder(secret) for _ in range(50)), desk.holder("nonsense"))
    assert [holder.app_id for holder in holders[:-1]] == [app.number] * 50
    assert holders[-1] is None
    assert len([statement for statement in said if statement.startswith("UPDATE")]) == 1
    assert len([statement for statement in said if "FROM api_key" in statement]) == 1
    with core.work(OPERATOR, app.number) as work:
        keys.revoke_key(work, row.id)
    assert await desk.holder(secret) is None
    desk.close()


def test_events_of_a_person_erased_meanwhile_make_them_anew(core, app):
    with core.work(OPERATOR, app.number) as work:
        subscribers.record_events(work, [EventIn(name="seen", user_id="ana")])
        subscribers.erase_user(work, "ana")
        assert subscribers.record_events(work, [EventIn(name="seen", user_id="ana")]).accepted == 1
