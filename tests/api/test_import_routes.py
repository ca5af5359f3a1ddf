"""Files in and out over HTTP: with a key, and with the session of a member of the console."""

import asyncio

import pytest

from backend.api import problems
from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.services import ids as public_ids
from backend.services import import_files, import_runner, members, segmentation, sessions, subscribers

V1 = "/api/v1"
PEOPLE = b"user_id,plan\nana,pro\nben,free\n,x\n"


@pytest.fixture
def core(sqlite_core: Core) -> Core:
    return sqlite_core


def session_of(core: Core, role: Role) -> dict[str, str]:
    with core.work(OPERATOR) as work:
        made = members.add_member(work, f"{role}@example.test", role, password="correct horse battery")
        token = sessions.start(work, public_ids.number(work, public_ids.MEMBER, made.id))
    return {"Cookie": f"{members.COOKIE}={token}"}


async def test_a_file_goes_all_the_way_over_http(core, server):
    form = {"file": ("people.csv", PEOPLE, "text/csv")}
    made = await server.post(f"{V1}/imports", files=form, data={"kind": "users"})
    assert made.status_code == 201, made.text
    one = f"{V1}/imports/{made.json()['id']}"
    assert made.json()["filename"] == "people.csv"
    assert (await server.get(f"{one}/preview")).json()["rows"][0] == ["ana", "pro"]
    fields = [{"column": "user_id", "to": "user_id"}, {"column": "plan", "to": "attribute", "name": "tier"}]
    assert (await server.patch(one, json={"fields": fields})).json()["fields"][1]["name"] == "tier"
    tried = (await server.post(f"{one}/check")).json()
    assert (tried["added"], tried["refused"], tried["refusals"][0]["row"]) == (2, 1, 3)
    assert (await server.post(f"{one}/pause")).status_code == 409
    assert (await server.post(f"{one}/start")).json()["state"] == "running"
    await asyncio.to_thread(import_runner.tick, core, "test")
    assert (await server.get(one)).json()["state"] == "finished"
    refused = await server.get(f"{one}/refusals.csv")
    assert refused.headers["content-disposition"].startswith('attachment; filename="people refused.csv"')
    assert refused.text == "row,reason,user_id,plan\r\n3,user_id: is required,,x\r\n"
    assert (await server.get(f"{V1}/imports")).json()["items"][0]["rows_added"] == 2
    people = (await server.get(f"{V1}/users/export", params={"format": "jsonl"})).text.splitlines()
    assert len(people) == 2


async def test_the_body_itself_may_be_the_file(server):
    made = await server.post(
        f"{V1}/imports?kind=users&filename=a.csv", content=PEOPLE, headers={"Content-Type": "text/csv"}
    )
    assert (made.status_code, made.json()["state"]) == (201, "uploaded")


@pytest.mark.parametrize(
    ("query", "body", "kind", "status", "field"),
    [
        ("kind=users", b"", "text/csv", 422, "file"),
        ("kind=robots", PEOPLE, "text/csv", 422, "kind"),
        ("", PEOPLE, "text/csv", 422, "kind"),
        ("kind=list&list_id=lst_none", PEOPLE, "text/csv", 422, "list_id"),
        ("kind=users", b"nonsense", "multipart/form-data", 422, "file"),
        ("kind=users", b"nonsense", "multipart/form-data; boundary=x", 422, "file"),
        ("kind=users", b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n", "multipart/form-data; boundary=x", 422, "file"),
    ],
)  # fmt: skip
async def test_what_cannot_be_taken_is_told_and_not_kept(core, server, query, body, kind, status, field):
    answer = await server.post(f"{V1}/imports?{query}", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (status, [field])
    assert list(import_files.folder(core).iterdir()) == []


async def test_a_file_may_be_larger_than_other_bodies_and_has_a_limit_of_its_own(core, server, monkeypatch):
    monkeypatch.setattr(problems, "MAX_BODY", 1000)
    big = b"user_id\n" + b"".join(b"u%d\n" % n for n in range(1000))
    made = await server.post(f"{V1}/imports?kind=users", content=big)
    assert made.status_code == 201
    assert (await server.post(f"{V1}/lists", content=big)).status_code == 413
    monkeypatch.setattr(import_files.Upload.__init__, "__defaults__", (1000,))
    assert (await server.post(f"{V1}/imports?kind=users", content=big)).status_code == 413
    assert len(list(import_files.folder(core).iterdir())) == 1


async def test_lists_over_http(core, app, server):
    with core.work(OPERATOR, app.number) as work:
        subscribers.ensure_users(work, ["ana", "ben"])
        everybody = segmentation.create(work, "All", {"combinator": "and", "rules": []}).id
    made = (await server.post(f"{V1}/lists", json={"name": "VIP"})).json()
    one = f"{V1}/lists/{made['id']}"
    assert (await server.patch(one, json={"name": "Guests"})).json()["name"] == "Guests"
    assert (await server.post(f"{one}/fill", json={"segment_id": everybody})).json()["changed"] == 2
    page = (await server.get(f"{one}/members", params={"search": "an"})).json()
    assert [row["user_id"] for row in page["items"]] == ["ana"]
    assert (await server.get(f"{V1}/lists", params={"search": "gue"})).json()["items"][0]["source"] == "segment"
    exported = await server.get(f"{one}/export")
    assert exported.headers["content-type"].startswith("text/csv")
    assert [line.split(",")[0] for line in exported.text.splitlines()] == ["user_id", "ana", "ben"]
    rules = {"combinator": "and", "rules": [{"field": "list", "operator": "in", "value": [made["id"]]}]}
    with core.work(OPERATOR, app.number) as work:
        segmentation.create(work, "Of the list", rules)
    assert [use["name"] for use in (await server.get(f"{one}/usage")).json()] == ["Of the list"]
    refused = await server.delete(one)
    assert (refused.status_code, "Of the list" in refused.json()["detail"]) == (409, True)


async def test_members_of_the_console_upload_and_download_by_their_session(core, app, visitor):
    editor, analyst = session_of(core, Role.EDITOR), session_of(core, Role.ANALYST)
    up = "/files/imports?kind=users&filename=p.csv"
    for headers, status in (({}, 401), (analyst, 403), ({**editor, "Origin": "https://evil.example"}, 403)):
        assert (await visitor.post(up, content=PEOPLE, headers=headers)).status_code == status
        assert (await visitor.get("/files/export/people", headers=headers)).status_code == status
    made = await visitor.post(up, content=PEOPLE, headers=editor)
    assert made.status_code == 201
    assert (await visitor.get(f"/files/imports/{made.json()['id']}/refusals.csv", headers=editor)).status_code == 200
    downloaded = await visitor.get("/files/export/people?format=csv", headers=editor)
    assert downloaded.text.startswith("\ufeffuser_id,")
    assert downloaded.headers["cache-control"] == "no-store"
    for path in ("export/segments/seg_x", "export/lists/lst_x", "imports/imp_x/refusals.csv"):
        assert (await visitor.get(f"/files/{path}", headers=editor)).status_code == 404
    assert list(import_files.folder(core).iterdir())


async def test_another_apps_files_are_not_there_for_a_member(core, app, other_app, visitor):
    with core.work(OPERATOR, other_app.number) as work:
        theirs = segmentation.create(work, "Theirs", {"combinator": "and", "rules": []}).id
    with core.work(OPERATOR) as work:
        made = members.add_member(
            work, "e@example.test", Role.EDITOR, app_number=app.number, password="correct horse battery"
        )
        token = sessions.start(work, public_ids.number(work, public_ids.MEMBER, made.id))
    answer = await visitor.get(f"/files/export/segments/{theirs}", headers={"Cookie": f"{members.COOKIE}={token}"})
    assert answer.status_code == 404
