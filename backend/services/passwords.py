"""Passwords of members: argon2id, slow and memory-hungry on purpose."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from backend.errors import FieldError, TooManyRequests

MIN_LENGTH, MAX_LENGTH = 12, 200
AT_ONCE = 4
WAIT = 5.0
_hasher = PasswordHasher()
_gate = BoundedSemaphore(AT_ONCE)
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""A well-formed hash that no password has: an unknown address takes as long as a wrong password."""


def problems(password: str, *, field: str = "password") -> list[FieldError]:
    """What is wrong with a new password."""
    if len(password) < MIN_LENGTH:
        return [FieldError(field, f"must have at least {MIN_LENGTH} characters")]
    if len(password) > MAX_LENGTH:
        return [FieldError(field, f"may have at most {MAX_LENGTH} characters")]
    if len(set(password)) < 4:
        return [FieldError(field, "must have more different characters")]
    return []


def hashed(password: str) -> str:
    with _turn():
        return _hasher.hash(password)


def fits(password: str, stored: str | None) -> bool:
    """Whether it is the password; None (nobody) takes the same time and never fits."""
    if len(password) > MAX_LENGTH:
        return False
    with _turn():
        try:
            return _hasher.verify(stored or _NOBODY, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def outdated(stored: str) -> bool:
    """Whether it was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


@contextmanager
def _turn() -> Iterator[None]:
    """A few at a time: each takes 64 MiB, and a flood of sign-ins must not take the machine."""
    if not _gate.acquire(timeout=WAIT):
        raise TooManyRequests(int(WAIT))
    try:
        yield
    finally:
        _gate.release()
