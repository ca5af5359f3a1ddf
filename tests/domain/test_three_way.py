"""Two edits of one document: what goes together is laid together, what does not is named, and nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st

from backend.domain.three_way import ABSENT, Clash, Side, differences, merge

LEAVES = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "b"])
MAPS = st.recursive(LEAVES, lambda inner: st.dictionaries(st.sampled_from("pqr"), inner, max_size=3), max_leaves=8)
NAMED = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("ABCD"), "weight": st.integers(1, 3)}),
    max_size=4,
    unique_by=lambda entry: entry["name"],
)
DOCUMENTS = st.fixed_dictionaries({"name": LEAVES, "content": MAPS, "variants": NAMED})


def test_what_one_side_changed_is_taken():
    base = {"title": "Hi", "body": "There", "data": {"a": "1", "b": "2"}}
    mine = {"title": "Hello", "body": "There", "data": {"a": "1"}}
    theirs = {"title": "Hi", "body": "Here", "data": {"a": "1", "b": "2", "c": "3"}}
    merged = merge(base, mine, theirs)
    assert merged.value == {"title": "Hello", "body": "Here", "data": {"a": "1", "c": "3"}}
    assert merged.clashes == ()


def test_what_both_changed_is_a_clash_until_somebody_chooses():
    base, mine, theirs = ({"title": text, "body": "same"} for text in ("Hi", "Hello", "Hey"))
    merged = merge(base, mine, theirs)
    assert merged.clashes == (Clash(("title",), "Hello", "Hey"),)
    assert merged.value["title"] == "Hello"
    for side, title in ((Side.MINE, "Hello"), (Side.THEIRS, "Hey")):
        settled = merge(base, mine, theirs, chosen={("title",): side})
        assert (settled.value["title"], settled.clashes) == (title, ())


def test_a_field_that_is_gone_differs_from_null():
    base = {"locales": {"pl": {"title": "a"}}}
    merged = merge(base, {"locales": {}}, {"locales": {"pl": {"title": "b"}}})
    assert merged.clashes == (Clash(("locales", "pl"), ABSENT, {"title": "b"}),)
    assert merge(base, {"locales": {}}, base).value == {"locales": {}}


def test_entries_with_names_are_matched_by_them():
    base = [{"name": "A", "weight": 1, "title": "Hi"}]
    mine = [{"name": "B", "weight": 1, "title": "Other"}, {"name": "A", "weight": 1, "title": "Hi"}]
    theirs = [{"name": "A", "weight": 1, "title": "Hey"}, {"name": "C", "weight": 2, "title": "Third"}]
    merged = merge(base, mine, theirs)
    assert [(one["name"], one["title"]) for one in merged.value] == [("B", "Other"), ("A", "Hey"), ("C", "Third")]
    assert merged.clashes == ()


def test_what_hangs_together_is_taken_whole():
    base, mine, theirs = {"when": {"kind": "now"}}, {"when": {"kind": "at", "at": "9"}}, {"when": {"kind": "daily"}}
    merged = merge(base, mine, theirs, whole=lambda path, *_: path == ("when",))
    assert [clash.path for clash in merged.clashes] == [("when",)]
    assert merged.value == mine


def test_differences_name_both_what_is_changed_and_what_is_missing():
    assert differences({"a": 1, "b": {"c": 2}, "d": 3}, {"a": 1, "b": {"c": 4, "e": 5}}) == [
        ("b", "c"),
        ("b", "e"),
        ("d",),
    ]


@given(DOCUMENTS, DOCUMENTS)
def test_one_side_alone_wins_everywhere(base, other):
    assert merge(base, other, base) == merge(base, base, other) == merge(other, other, other)
    assert merge(base, other, other).value == other


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_choosing_one_side_settles_every_clash(base, mine, theirs):
    clashes = merge(base, mine, theirs).clashes
    for side in Side:
        settled = merge(base, mine, theirs, chosen={clash.path: side for clash in clashes})
        assert settled.clashes == ()
    swapped = merge(base, theirs, mine).clashes
    assert {clash.path for clash in clashes} == {clash.path for clash in swapped}


@given(DOCUMENTS, DOCUMENTS)
def test_documents_differ_exactly_where_they_are_not_equal(one, other):
    found = differences(one, other)
    in_order = [entry["name"] for entry in one["variants"]] == [entry["name"] for entry in other["variants"]]
    assert bool(found) == (one != other) or not in_order
