"""Rows out of files: as Python's csv module reads them, wherever one begins, however odd the file."""

import csv
import io
import json
import random

import pytest

from backend.services import import_reader as reader
from backend.services.import_reader import MAX_LINE, records


def read(raw: bytes, form: str = "csv", delimiter: str = ",", offset: int = 0):
    return list(records(io.BytesIO(raw), form, delimiter, offset))


def texts(raw: bytes, **options) -> list:
    return [one.problem or one.values for one in read(raw, **options)]


def strict(text: str) -> list[list[str]] | None:
    """What the csv module makes of the whole, None when it refuses a part of it."""
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error:
        return None


ODD = ['"', '""', ",", "\n", "\r\n", "\r", "a", "é", "€😀", " ", "'", "=1", "\t", ";", "\x1c", "\u2028", "\x85", "\x0b"]


def test_any_file_reads_as_pythons_own_module_reads_it():
    dice = random.Random(4180)
    compared = 0
    for _ in range(6000):
        text = "".join(dice.choices(ODD, k=dice.randint(0, 24)))
        expected = strict(text)
        found = read(text.encode())
        if expected is not None:
            compared += 1
            assert [one.values for one in found] == expected, repr(text)
        else:
            assert any(one.problem for one in found), repr(text)
        assert all(one.end <= len(text.encode()) for one in found)
    assert compared > 1000


def test_reading_on_from_any_rows_end_gives_the_rest():
    dice = random.Random(7)
    for _ in range(600):
        raw = "".join(dice.choices(ODD, k=40)).encode()
        whole = read(raw)
        for place, one in enumerate(whole):
            if one.end:
                assert read(raw, offset=one.end) == whole[place + 1 :], raw


def test_reading_on_works_across_blocks_and_line_ends():
    for end in ("\n", "\r\n", "\r"):
        raw = ("x" + end).encode() + (f'u,"two{end}lines","say ""hi"""' + end).encode() * 20_000
        whole = read(raw)
        assert len(whole) == 20_001
        assert whole[-1].values == ["u", f"two{end}lines", 'say "hi"']
        half = whole[10_000].end
        assert len(read(raw, offset=half)) == 10_000


def test_a_quotation_mark_that_never_closes_spoils_one_row_only():
    raw = b'a,b\n1,"open\n2,fine\n3,fine\n'
    assert texts(raw) == [["a", "b"], "has a quotation mark that is never closed", ["2", "fine"], ["3", "fine"]]


def test_a_line_too_long_is_passed_over_without_being_held(tmp_path):
    path = tmp_path / "long"
    with path.open("wb") as file:
        file.write(b"a,b\n")
        for _ in range(40):
            file.write(b"x" * MAX_LINE)
        file.write(b"\nlast,row\n")
        file.write(b"y" * (MAX_LINE + 5))
    with path.open("rb") as file:
        found = [one.problem or one.values for one in records(file, "csv")]
    assert found == [["a", "b"], "is longer than 1,048,576 bytes", ["last", "row"], "is longer than 1,048,576 bytes"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", []),
        (b"\n\r\n\r", []),
        (b"\xef\xbb\xbfa,b", [["a", "b"]]),
        (b"a\x00b,c", [["a\x00b", "c"]]),
        (b"good\nbad\xff\n", [["good"], "is not valid UTF-8"]),
        (b"'" + b"q" * 140_000, ["has a field of more than 131,072 characters: is a quotation mark never closed?"]),
        (b'"a"b,c\nd', ["has text after a closing quotation mark", ["d"]]),
    ],
)
def test_odd_files(raw: bytes, expected: list):
    assert texts(raw) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"a": 1, "b": {"c": {"d": {"e": 2}}}}', {"a": 1, "b.c.d": {"e": 2}}),
        ("[1, 2]", "must be a JSON object"),
        ('"text"', "must be a JSON object"),
        ('{"a": NaN}', "is not JSON: NaN is no number"),
        ("[" * 200_000, "is nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "is not JSON"),
        (json.dumps({f"k{n}": n for n in range(501)}), "has more than 500 fields"),
        ('{"a": "\udcff"}', "is not valid UTF-8"),
    ],
)
def test_lines_of_json(line: str, expected):
    [found] = read(line.encode("utf-8", "surrogateescape"), form="jsonl")
    if isinstance(expected, str):
        assert found.problem.startswith(expected)
    else:
        assert (found.values, found.problem) == (expected, None)


@pytest.mark.parametrize(
    ("head", "delimiter"),
    [
        ("a,b\n1,2\n", ","), ("a;b\n1,5;2\n", ";"), ("a\tb\n1,5\t2\n", "\t"), ("a|b|c\n", "|"), ("one\ntwo\n", ","),
        ('"x;y",b\n1,2\n', ","), ("", ","),
    ],
)  # fmt: skip
def test_the_separator_is_recognised(head: str, delimiter: str):
    assert reader.sniff_delimiter(head) == delimiter


def test_columns_get_names_that_differ():
    named = reader.named(["email", " email ", "", "__proto__", "a\nb", "email (2)"])
    assert named == ["email", "email (2)", "Column 3", "__proto__", "a b", "email (2) (2)"]
