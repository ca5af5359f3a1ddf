"""People carried out: complete, in pages, harmless to spreadsheets, and fit to be brought in again."""

import csv
import io
import json

import pytest

from backend.db import OPERATOR
from backend.errors import Invalid, NotFound
from backend.services import audit, export, lists, segmentation, subscribers
from backend.services.lists import ListIn

TOKEN = "tok:secret-0123456789"


@pytest.fixture
def people(core, app):
    given = [
        {"user_id": "=cmd|x", "attributes": {"note": "+1", "n": -5, "tags": ["a", "b"], "ok": True}, "country": "PL"},
        {"user_id": "ben", "attributes": {"note": 'say "hi",\nben'}, "location": {"lat": 1.5, "lon": -2}},
    ]
    with core.work(OPERATOR, app.number) as work:
        subscribers.users_batch(work, given)
        subscribers.devices_batch(work, [{"platform": "android", "token": TOKEN, "user_id": "ben"}])
    return app


def rows(made: export.Export) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(made.pieces), newline="")))


def test_everybody_as_csv(core, people, monkeypatch):
    monkeypatch.setattr(export, "PAGE", 1)
    made = export.everyone(core, OPERATOR, people.number, "csv", bom=True)
    whole = "".join(made.pieces)
    assert whole.startswith("\ufeffuser_id,id,language,country")
    assert TOKEN not in whole
    first, second = csv.DictReader(io.StringIO(whole.removeprefix("\ufeff"), newline=""))
    assert (first["user_id"], first["country"], second["lat"], second["lon"]) == ("'=cmd|x", "PL", "1.5", "-2.0")
    both = {
        **{k.removeprefix("attributes."): v for k, v in first.items() if v},
        **json.loads(first["other_attributes"] or "{}"),
    }
    assert (both["note"].lstrip("'"), str(both["n"])) == ("+1", "-5")
    assert second["devices"] == "android active"


def test_json_lines_hold_everything_as_it_is(core, people):
    made = export.everyone(core, OPERATOR, people.number, "jsonl")
    first, second = (json.loads(line) for line in "".join(made.pieces).splitlines())
    assert first["attributes"] == {"note": "+1", "n": -5, "tags": ["a", "b"], "ok": True}
    assert second["devices"] == [{"platform": "android", "state": "active"}]


def test_a_segment_and_a_list(core, people):
    rules = {"combinator": "and", "rules": [{"field": "user.country", "operator": "=", "value": "PL"}]}
    with core.work(OPERATOR, people.number) as work:
        poles = segmentation.create(work, "Poles", rules)
        vip = lists.create(work, ListIn(name="VIP"))
        lists.add_members(work, vip.id, ["ben"])
    assert [row["user_id"] for row in rows(export.segment(core, OPERATOR, people.number, poles.id, "csv"))] == [
        "'=cmd|x"
    ]
    assert [row["user_id"] for row in rows(export.static_list(core, OPERATOR, people.number, vip.id, "csv"))] == ["ben"]
    with core.reading(OPERATOR, people.number) as work:
        told = [(one.action, one.subject) for one in audit.listing(work).items][:2]
    assert told == [("list.exported", vip.id), ("segment.exported", poles.id)]


def test_what_is_not_there_and_unknown_formats_are_refused(core, people):
    with pytest.raises(NotFound):
        export.static_list(core, OPERATOR, people.number, "lst_nope", "csv")
    with pytest.raises(Invalid):
        export.everyone(core, OPERATOR, people.number, "xlsx")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_formulas_are_defused(text: str):
    assert next(csv.reader(io.StringIO(export.lines([[text]]), newline="")))[0] == f"'{text}"


def test_numbers_stay_numbers():
    assert export.lines([[-5, -2.5, True, None, "x"]]) == "-5,-2.5,true,,x\r\n"
