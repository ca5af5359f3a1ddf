"""Files of people taken in: recognised, mapped, tried, run, stopped."""

import csv
import io
import json

import pytest
from sqlalchemy import text

from backend.db import OPERATOR
from backend.domain.vocabulary import ImportKind
from backend.errors import Conflict, Invalid, NotFound, TooMuch, WrongState
from backend.services import (
    apps,
    export,
    import_files,
    import_jobs,
    import_mapping,
    import_runner,
    lists,
    subscribers,
)
from backend.services.import_mapping import Converter, Field
from backend.services.lists import ListIn

ROWS = "user_id;country;plan;spent;vip;joined;lat;lon\n"


def upload(core, app, raw: bytes, kind: str = "users", filename: str = "people.csv", **more):
    arriving = import_files.Upload(core)
    for start in range(0, len(raw), 1000):
        arriving.write(raw[start : start + 1000])
    arrived = arriving.close()
    with core.work(OPERATOR, app.number) as work:
        return import_jobs.add(work, arrived, kind=kind, filename=filename, **more)


def do(core, app, verb, *given, **named):
    with core.work(OPERATOR, app.number) as work:
        return verb(work, *given, **named)


def run(core, app, row):
    do(core, app, import_jobs.start, row.id)
    return finished(core, app, row)


def finished(core, app, row, owner: str = "one"):
    for _ in range(200):
        import_runner.tick(core, owner)
        found = do(core, app, import_jobs.get, row.id)
        if found.state != "running":
            return found
    raise AssertionError("it does not end")


def people(core, app) -> dict[str, dict]:
    made = export.everyone(core, OPERATOR, app.number, "jsonl")
    found = [json.loads(line) for piece in made.pieces for line in piece.splitlines()]
    return {one["user_id"]: one for one in found}


def test_people_come_in_with_their_attributes(core, app):
    do(core, app, subscribers.ensure_users, ["ben"])
    raw = ROWS + 'ana;PL;pro;12.5;yes;2026-01-02 10:00:00;52.2;21.0\nben;de;"free; but\nnice";;no;;;\n;PL;x;1;yes;;;\n'
    row = upload(core, app, raw.encode())
    assert (row.state, row.encoding, row.delimiter, row.header) == ("uploaded", "UTF-8", ";", True)
    wanted = [(one.to, one.name, one.type) for one in row.fields]
    assert wanted[:5] == [
        ("user_id", "", "text"), ("country", "", "text"), ("attribute", "plan", "text"),
        ("attribute", "spent", "number"), ("attribute", "vip", "boolean"),
    ]  # fmt: skip
    assert do(core, app, import_jobs.preview, row.id).rows[1][:3] == ("ben", "de", "free; but\nnice")
    tried = import_jobs.check(core, OPERATOR, app.number, row.id)
    assert (tried.rows, tried.added, tried.changed, tried.refused) == (3, 1, 1, 1)
    assert list(people(core, app)) == ["ben"]
    done = run(core, app, row)
    assert (done.state, done.rows_done, done.rows_added, done.rows_changed, done.rows_refused) == (
        "finished",
        3,
        1,
        1,
        1,
    )
    found = people(core, app)
    assert found["ana"]["attributes"] == {"plan": "pro", "spent": 12.5, "vip": True, "joined": "2026-01-02T10:00:00Z"}
    assert (found["ana"]["lat"], found["ana"]["lon"], found["ben"]["country"]) == (52.2, 21.0, "DE")
    [refused] = do(core, app, import_jobs.refusals, row.id)
    assert (refused.row, refused.raw["plan"]) == (3, "x")
    assert refused.reason == "user_id: is required"
    header = next(export.everyone(core, OPERATOR, app.number, "csv").pieces).strip().split(",")
    assert [name for name in header if name.startswith("attributes.")] == [
        "attributes.joined", "attributes.plan", "attributes.spent", "attributes.vip"
    ]  # fmt: skip


def test_the_file_goes_when_its_import_has_ended(sqlite_core):
    app = do_app(sqlite_core)
    row = upload(sqlite_core, app, b"user_id\nana\n")
    waiting = upload(sqlite_core, app, b"user_id\nben\n")
    run(sqlite_core, app, row)
    with sqlite_core.work(OPERATOR) as work:
        import_runner.forget(work)
    left = list(import_files.folder(sqlite_core).iterdir())
    assert len(left) == 1
    with pytest.raises(Conflict):
        do(sqlite_core, app, import_jobs.preview, row.id)
    assert do(sqlite_core, app, import_jobs.preview, waiting.id).rows == (("ben",),)


def do_app(core):
    with core.work(OPERATOR) as work:
        return apps.create_app(work, slug="shop")


def test_devices_come_in_and_importing_is_no_sign_of_life(core, app):
    raw = "platform,token,user_id,locale\nandroid,tok:1234,ana,pl-PL\nandroid,tok:1234,ana,en\nios,nothex,ben,\n"
    done = run(core, app, upload(core, app, raw.encode(), kind="devices"))
    assert (done.rows_added, done.rows_changed, done.rows_refused) == (1, 1, 1)
    seen = last_seen(core)
    again = run(core, app, upload(core, app, raw.encode(), kind="devices"))
    assert (again.rows_added, again.rows_changed) == (0, 2)
    assert last_seen(core) == seen
    [refused] = do(core, app, import_jobs.refusals, done.id)
    assert (refused.row, refused.raw["token"]) == (3, "nothex…")
    assert "hexadecimal" in refused.reason


def last_seen(core) -> str:
    with core.engine.connect() as connection:
        return str(connection.execute(text("SELECT last_seen FROM device")).scalar_one())


def test_members_of_a_list_come_in_and_strangers_are_refused(core, app):
    do(core, app, subscribers.ensure_users, ["ana", "ben"])
    vip = do(core, app, lists.create, ListIn(name="VIP"))
    do(core, app, lists.add_members, vip.id, ["ben"])
    row = upload(core, app, b"User ID,name\nana,Ana\nben,Ben\nzoe,Zoe\nana,Ana\n", kind="list")
    with pytest.raises(Invalid, match="list_id"):
        do(core, app, import_jobs.start, row.id)
    do(core, app, import_jobs.change, row.id, list_id=vip.id)
    done = run(core, app, row)
    assert (done.rows_added, done.rows_changed, done.rows_refused) == (1, 2, 1)
    assert do(core, app, lists.get, vip.id).members == 2


def test_json_lines_keep_their_types_and_late_attributes(sqlite_core):
    app = do_app(sqlite_core)
    early = [{"user_id": n, "attributes": {"plan": "pro", "tags": ["a", "b"]}, "language": "pl"} for n in range(250)]
    late = [{"user_id": "last", "attributes": {"plan": None, "shoe": 42.5}}, ["no"], "no"]
    raw = "\n".join(json.dumps(one) for one in [*early, *late])
    done = run(sqlite_core, app, upload(sqlite_core, app, raw.encode(), filename="p.jsonl"))
    assert (done.format, done.rows_added, done.rows_refused) == ("jsonl", 251, 2)
    found = people(sqlite_core, app)
    assert found["7"]["attributes"] == {"plan": "pro", "tags": ["a", "b"]}
    assert found["last"]["attributes"] == {"shoe": 42.5}


@pytest.mark.parametrize(
    ("codec", "told"), [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"), ("cp1252", "Windows-1252")]
)  # fmt: skip
def test_the_encoding_is_recognised(sqlite_core, codec: str, told: str):
    app = do_app(sqlite_core)
    filler = "".join(f"u{n};Zürich\n" for n in range(2000))
    row = upload(sqlite_core, app, f"user_id;city\n{filler}é;Genève €\n".encode(codec))
    assert row.encoding == told
    run(sqlite_core, app, row)
    assert people(sqlite_core, app)["é"]["attributes"] == {"city": "Genève €"}


def test_broken_bytes_in_a_file_of_utf8_spoil_only_their_rows(sqlite_core):
    app = do_app(sqlite_core)
    raw = b"user_id,city\n" + "ü,Zürich\n".encode() * 20 + b"bad,\xff\xfe\n" + b"good,x\n"
    done = run(sqlite_core, app, upload(sqlite_core, app, raw))
    assert (done.encoding, done.rows_refused, done.rows_added) == ("UTF-8", 1, 2)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "is empty"),
        (b"   \n", "is empty"),
        (b"user_id,plan\n", "has a header and no rows"),
        (b"[{}]", "is one JSON array"),
        (b"PK\x03\x04rest", "Excel"),
        (b"\x1f\x8brest", "compressed"),
        (",".join(f"c{n}" for n in range(10_000)).encode() + b"\n1\n", "10,000 columns"),
        (b"x" * (3 << 20), "longer than"),
        (b'"never closed\n', "never closed"),
        (b'{"a": [[[' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(sqlite_core, raw: bytes, sentence: str):
    with pytest.raises(Invalid) as caught:
        upload(sqlite_core, do_app(sqlite_core), raw)
    assert sentence in caught.value.errors[0].message


def test_hostile_cells_are_refused_or_kept_as_text(core, app):
    raw = (
        'user_id,__proto__,constructor,note\n"=HYPERLINK(""http://x"")",1,y,\'=1+1\nnul\x00,1,y,z\n'
        f"long,1,y,{'x' * 2000}\nme,1,y,z\nbad note,1,y,nul\x00\n"
    )
    row = upload(core, app, raw.encode())
    assert [one.to for one in row.fields] == ["user_id", "ignore", "attribute", "attribute"]
    done = run(core, app, row)
    assert (done.rows_added, done.rows_refused) == (1, 4)
    assert people(core, app)['=HYPERLINK("http://x")']["attributes"]["note"] == "=1+1"
    csv_of = "".join(export.refusals(core, OPERATOR, app.number, row.id).pieces)
    assert [line[0] for line in csv.reader(io.StringIO(csv_of))] == ["row", "2", "3", "4", "5"]


def test_an_upload_over_the_limit_is_refused(sqlite_core):
    arriving = import_files.Upload(sqlite_core, limit=10)
    with pytest.raises(TooMuch):
        arriving.write(b"x" * 11)
    arriving.abandon()
    assert list(import_files.folder(sqlite_core).iterdir()) == []


def test_columns_are_checked_and_remembered(sqlite_core):
    app = do_app(sqlite_core)
    row = upload(sqlite_core, app, b"who,what,Wher\xc3\xa9\nana,1,x\n")
    assert [one.to for one in row.fields] == ["attribute"] * 3
    assert row.fields[2].name == "Where"
    with pytest.raises(Invalid, match="one column must become user_id"):
        do(sqlite_core, app, import_jobs.start, row.id)
    twice = [{"column": "who", "to": "user_id"}, {"column": "what", "to": "user_id"}, {"column": "Wheré", "to": "lat"}]
    with pytest.raises(Invalid) as caught:
        do(sqlite_core, app, import_jobs.change, row.id, fields=twice)
    assert [one.field for one in caught.value.errors] == ["fields[1]", "fields"]
    chosen = [
        {"column": "who", "to": "user_id"},
        {"column": "what"},
        {"column": "Wheré", "to": "attribute", "name": "w"},
    ]
    do(sqlite_core, app, import_jobs.change, row.id, fields=chosen)
    run(sqlite_core, app, row)
    with pytest.raises(WrongState):
        do(sqlite_core, app, import_jobs.change, row.id, fields=chosen)
    again = upload(sqlite_core, app, b"what,who\n1,ben\n")
    assert [one.to for one in again.fields] == ["ignore", "user_id"]


def test_a_file_without_a_header_and_with_another_separator_is_read_so(sqlite_core):
    app = do_app(sqlite_core)
    row = upload(sqlite_core, app, b"ana|1\nben|2\n")
    changed = do(sqlite_core, app, import_jobs.change, row.id, header=False, delimiter="|")
    assert [one.column for one in changed.fields] == ["Column 1", "Column 2"]
    assert do(sqlite_core, app, import_jobs.preview, row.id).rows == (("ana", "1"), ("ben", "2"))


def test_it_pauses_goes_on_and_is_cancelled(core, app, monkeypatch):
    monkeypatch.setattr(import_runner, "PAGE", 10)
    row = upload(core, app, ("user_id\n" + "".join(f"u{n}\n" for n in range(100))).encode())
    with pytest.raises(WrongState, match="running"):
        do(core, app, import_jobs.pause, row.id)
    do(core, app, import_jobs.start, row.id)
    import_runner.tick(core, "one", budget=0)
    some = do(core, app, import_jobs.pause, row.id)
    assert 0 < some.rows_done < 100
    import_runner.tick(core, "one")
    assert do(core, app, import_jobs.get, row.id).rows_done == some.rows_done
    do(core, app, import_jobs.resume, row.id)
    assert finished(core, app, row).rows_added == 100
    other = upload(core, app, b"user_id\nzoe\n")
    assert do(core, app, import_jobs.cancel, other.id).state == "cancelled"
    with pytest.raises(WrongState):
        do(core, app, import_jobs.start, other.id)


def test_an_import_whose_file_is_gone_cannot_go_on(sqlite_core, monkeypatch):
    app = do_app(sqlite_core)
    row = upload(sqlite_core, app, b"user_id\nana\n")
    do(sqlite_core, app, import_jobs.start, row.id)
    [file] = import_files.folder(sqlite_core).iterdir()
    held = file.read_bytes()
    file.unlink()
    import_runner.tick(sqlite_core, "one")
    assert do(sqlite_core, app, import_jobs.get, row.id).rows_done == 0, "another machine may have the file"
    file.write_bytes(held)
    with monkeypatch.context() as patch:
        patch.setattr(import_runner.reader, "records", refuses)
        import_runner.tick(sqlite_core, "one")
    failed = do(sqlite_core, app, import_jobs.get, row.id)
    assert (failed.state, failed.problem) == ("failed", "The file cannot be read: Input/output error.")
    file.unlink()
    with pytest.raises(Conflict):
        do(sqlite_core, app, import_jobs.resume, row.id)
    file.write_bytes(held)
    do(sqlite_core, app, import_jobs.resume, row.id)
    assert finished(sqlite_core, app, row).rows_added == 1


def refuses(*_given):
    raise OSError(5, "Input/output error")


def test_one_worker_at_a_time_has_a_job(core, app, monkeypatch):
    monkeypatch.setattr(import_runner, "PAGE", 10)
    row = upload(core, app, ("user_id\n" + "".join(f"u{n}\n" for n in range(50))).encode())
    do(core, app, import_jobs.start, row.id)
    import_runner.tick(core, "one", budget=0)
    had = do(core, app, import_jobs.get, row.id).rows_done
    import_runner.tick(core, "two")
    assert do(core, app, import_jobs.get, row.id).rows_done == had
    assert finished(core, app, row, "one").rows_added == 50


def test_another_apps_import_is_not_there(sqlite_core):
    app = do_app(sqlite_core)
    row = upload(sqlite_core, app, b"user_id\nana\n")
    with sqlite_core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    for verb in (import_jobs.get, import_jobs.preview, import_jobs.start, import_jobs.cancel):
        with pytest.raises(NotFound):
            do(sqlite_core, other, verb, row.id)
    with pytest.raises(NotFound):
        import_jobs.check(sqlite_core, OPERATOR, other.number, row.id)


def test_values_become_what_their_column_is():
    fields = [Field("u", "user_id"), *(Field(kind, "attribute", kind, kind) for kind in import_mapping.TYPES[:5])]
    made = Converter(ImportKind.USERS, fields)
    item = made.item(["u", "'=x", "1e3", "No", "2026-12-01", "a| b"])
    assert item["attributes"] == {
        "text": "=x",
        "number": 1000.0,
        "boolean": False,
        "date": "2026-12-01",
        "list": ["a", "b"],
    }
    with pytest.raises(Invalid) as caught:
        made.item(["u", "", "x", "maybe", "soon", "[1"])
    assert [one.field for one in caught.value.errors] == ["number", "boolean", "date", "list"]
