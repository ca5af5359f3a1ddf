"""Sort keys of versions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.version import version_key

PARTS = st.lists(st.integers(0, 10**10 - 1), min_size=1, max_size=10)


@given(PARTS, PARTS)
def test_text_order_is_number_order(one: list[int], two: list[int]):
    keys = [version_key(".".join(map(str, parts))) for parts in (one, two)]
    padded = [parts + [0] * (10 - len(parts)) for parts in (one, two)]
    assert (keys[0] < keys[1], keys[0] == keys[1]) == (padded[0] < padded[1], padded[0] == padded[1])
    assert len(keys[0]) <= 120


@pytest.mark.parametrize("version", ["17", "17.0", "v17.0.0-beta", "iOS 17 (21A)"])
def test_missing_parts_and_decoration_do_not_count(version: str):
    assert version_key(version) == version_key("17")


@pytest.mark.parametrize("version", [None, "", "beta", "٣.١"])
def test_a_text_without_a_number_has_no_key(version: str | None):
    assert version_key(version) is None


def test_endless_digits_are_the_largest_number():
    assert version_key("9" * 5000) == "9" * 10
