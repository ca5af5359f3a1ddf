"""The console's imports and lists, without a browser."""

import pytest

from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.services import import_files, import_jobs, import_runner, lists, segmentation, subscribers
from backend.services.lists import ListIn
from console.states.imports import ImportsState
from console.states.imports_job import ImportJobState
from console.states.lists import ListsState
from console.states.lists_members import ListState

EVERYBODY = {"combinator": "and", "rules": []}


@pytest.fixture
def editor(visitor):
    return visitor(Role.EDITOR)


def uploaded(console, shop, raw: bytes, kind: str = "users") -> str:
    arriving = import_files.Upload(console)
    arriving.write(raw)
    with console.work(OPERATOR, shop.number) as work:
        return import_jobs.add(work, arriving.close(), kind=kind, filename="p.csv").id


async def test_an_import_from_columns_to_summary(console, shop, editor):
    made = uploaded(console, shop, b"who,plan\nana,pro\nben,free\nme,x\n")
    page = editor.at(f"/import/{made}")
    await page.do(ImportJobState.load)
    job = await page.state(ImportJobState)
    assert [line.target for line in job.columns] == ["attribute", "attribute"]
    assert job.columns[0].sample == "ana · ben · me"
    assert "look" in str(await page.do(ImportJobState.move, "start"))
    assert job.problem == "One column must become user_id."
    await page.do(ImportJobState.becomes, 0, "user_id")
    await page.do(ImportJobState.becomes, 1, "user_id")
    assert "becomes user_id already" in job.columns[1].problem
    await page.do(ImportJobState.becomes, 1, "attribute")
    await page.do(ImportJobState.name_it, 1, "tier")
    assert (job.columns[1].name, job.columns[1].problem, job.problem) == ("tier", "", "")
    await page.do(ImportJobState.check)
    assert (job.checked.added, job.checked.refused, job.checking) == ("2", "1", False)
    await page.do(ImportJobState.move, "start")
    assert job.job.live
    import_runner.tick(console, "test")
    await page.do(ImportJobState.refresh)
    assert (job.job.line.state, job.job.added, job.job.line.percent) == ("finished", "2", 100.0)
    assert job.refused[0].row == "3"
    assert job.job.refusals == f"/files/imports/{made}/refusals.csv"


async def test_a_file_is_read_in_another_way(console, shop, editor):
    page = editor.at(f"/import/{uploaded(console, shop, b'ana,1' + bytes([10]) + b'ben,2')}")
    await page.do(ImportJobState.load)
    job = await page.state(ImportJobState)
    await page.do(ImportJobState.read_as, ",", False)
    assert [line.column for line in job.columns] == ["Column 1", "Column 2"]
    assert [row.cells[0] for row in job.preview] == ["ana", "ben"]


async def test_the_history_follows_and_a_new_list_is_chosen(console, shop, editor):
    uploaded(console, shop, b"user_id\nana\n")
    page = editor.at("/import?kind=list")
    await page.do(ImportsState.load)
    state = await page.state(ImportsState)
    assert (state.kind, len(state.rows), state.live) == ("list", 1, False)
    assert "kind=list&list=lst_" in str(await page.do(ImportsState.make_list, {"list_name": "Guests"}))
    assert "Give the list a name" in str(await page.do(ImportsState.make_list, {"list_name": " "}))


async def test_an_import_that_is_not_there_is_said(console, shop, editor):
    page = editor.at("/import/imp_nothing")
    await page.do(ImportJobState.load)
    assert (await page.state(ImportJobState)).missing


async def test_lists_are_made_renamed_and_archived_unless_used(console, shop, editor):
    page = editor.at("/lists")
    assert "/lists/lst_" in str(await page.do(ListsState.create, {"list_name": "VIP"}))
    await page.do(ListsState.create, {"list_name": " "})
    state = await page.state(ListsState)
    assert state.name_error
    await page.do(ListsState.load)
    one = state.rows[0].id
    await page.do(ListsState.edit, one)
    await page.do(ListsState.rename, {"new_name": "Guests"})
    assert [row.name for row in state.rows] == ["Guests"]
    with console.work(OPERATOR, shop.number) as work:
        rules = {"combinator": "and", "rules": [{"field": "list", "operator": "in", "value": [one]}]}
        used = segmentation.create(work, "Uses it", rules)
    assert "still used" in str(await page.do(ListsState.archive, one))
    await page.do(ListsState.load)
    assert state.rows[0].used == "1 segment"
    with console.work(OPERATOR, shop.number) as work:
        segmentation.delete(work, used.id)
    await page.do(ListsState.archive, one)
    assert state.rows == ()


async def test_people_come_and_go_in_a_list(console, shop, editor):
    with console.work(OPERATOR, shop.number) as work:
        subscribers.ensure_users(work, ["ana", "ben", "zoe"])
        vip = lists.create(work, ListIn(name="VIP")).id
        everybody = segmentation.create(work, "All", EVERYBODY).id
    page = editor.at(f"/lists/{vip}")
    await page.do(ListState.load)
    state = await page.state(ListState)
    await page.do(ListState.add, {"user_ids": "ana, ben\nnobody"})
    assert state.said == "2 people added. 1 id that nobody has: nobody"
    await page.do(ListState.add, {"user_ids": ""})
    assert state.wrong
    await page.do(ListState.remove, "ben")
    assert [one.user_id for one in state.members] == ["ana"]
    await page.do(ListState.fill, {"segment_id": everybody})
    assert (state.row.members, state.said) == ("3", "2 people added.")
    await page.at(f"/lists/{vip}?search=zo").do(ListState.load)
    assert [one.user_id for one in state.members] == ["zoe"]
    assert "/lists" in str(await page.do(ListState.archive))
    await page.do(ListState.load)
    assert state.missing
