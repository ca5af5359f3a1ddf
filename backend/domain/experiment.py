"""Who gets what: variants and holdouts as ranges of a salted hash of the user's stored bucket.

The hash is Carter and Wegman's universal family h(x) = (m·x + c) mod P mod 10 000 with P = 2^31 - 1
("Universal classes of hash functions", 1979), m and c drawn from SHA-256 of the salt: two salts give
pairwise independent assignments, and the same integer arithmetic runs in SQL without overflow.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

PRIME = 2**31 - 1
SLOTS = 10_000


@dataclass(frozen=True, slots=True)
class Salted:
    """The two numbers of a salt; `slot` and its SQL twin use them alike."""

    multiplier: int
    offset: int


def salted(salt: str) -> Salted:
    digest = hashlib.sha256(salt.encode()).digest()
    multiplier = 1 + int.from_bytes(digest[:8]) % (PRIME - 1)
    return Salted(multiplier, int.from_bytes(digest[8:16]) % PRIME)


def slot(bucket: int, salt: Salted) -> int:
    """0 to 9 999 for a 32-bit bucket."""
    return (salt.multiplier * (bucket % PRIME) + salt.offset) % PRIME % SLOTS


def bounds(weights: Sequence[int]) -> list[int]:
    """The upper slot (exclusive) of each variant, by its share of the weights; the last one is 10 000."""
    total = sum(weights)
    running = 0
    ends = []
    for weight in weights:
        running += weight
        ends.append(SLOTS * running // total)
    return ends


def variant_salt(campaign_id: int, content_hash: str) -> Salted:
    """New content is a new test, so the revision's content is part of the salt."""
    return salted(f"variant:{campaign_id}:{content_hash}")


def holdout_salt(campaign_id: int) -> Salted:
    """The same people are held out of every occasion and revision of a campaign."""
    return salted(f"holdout:{campaign_id}")
