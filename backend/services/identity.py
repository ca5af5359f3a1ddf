"""For whom a call speaks: proof of a device by its secret, proof of a person by the app's own word."""

from dataclasses import dataclass
from typing import Any, Final

import jwt

from backend import crypto
from backend.db import Work
from backend.errors import Invalid, NotAllowed, NotAuthenticated, NotFound
from backend.queries import audience
from backend.services import apps, ids, people, people_search
from backend.services.fields import ME

DEVICE_NEEDED: Final = "Say which device speaks: send its id and secret in Tocsin-Device."
DEVICE_WRONG: Final = "Tocsin-Device does not name a device of this app with its secret."
USER_NEEDED: Final = "Say who the user is: send the token signed by the app's back end in Tocsin-User."
USER_WRONG: Final = "Tocsin-User is not a valid token of this app, or it has expired."
LEEWAY_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whom a call may speak for.

    `trusted`: the app's back end, for everybody in its app. Else `device` (with its user, `owner`) is
    the device whose secret was shown, `user` the external id that the app's back end has signed, and
    `believed` says that this app takes user ids at their word.
    """

    trusted: bool
    device: int | None = None
    owner: int | None = None
    user: str | None = None
    believed: bool = False


def speaker(work: Work, trusted: bool, device_header: str | None, user_header: str | None) -> Speaker:
    """Who is speaking. Raises `NotAuthenticated` for a wrong secret or token, never for a missing one."""
    if trusted:
        return Speaker(trusted=True)
    row = _shown_device(work, device_header) if device_header else None
    return speaker_with(work, row, user_header, believed=believes(work))


def believes(work: Work) -> bool:
    """Whether the app takes user ids at their word."""
    return not apps.get_app(work, work.app_id).identity_verification


def speaker_with(work: Work, device: Any, user_header: str | None, *, believed: bool) -> Speaker:
    """Who speaks through a client key, with the row of the device that is proven already. Raises `NotAuthenticated`."""
    return Speaker(
        trusted=False,
        device=device.id if device else None,
        owner=device.user_id if device else None,
        user=_proven_user(work, user_header) if user_header else None,
        believed=believed,
    )


def device_with(work: Work, device_id: str, secret: str) -> Any:
    """The device row that this secret proves. Raises `NotAuthenticated`; which part was wrong is not told."""
    number = work.core.keyring.number(ids.DEVICE, device_id)
    row = audience.device(work.session, work.app_id, number) if number is not None else None
    return proven(row, secret)


def proven(row: Any, secret: str) -> Any:
    """The device row (None for none) when this is its secret. Raises `NotAuthenticated`."""
    if row is None or not secret or not crypto.matches(secret, row.secret_hash):
        raise NotAuthenticated(DEVICE_WRONG)
    return row


def named_device(work: Work, device_header: str) -> tuple[int | None, str]:
    """The number of the device that the header names, None for none of ours, and the secret it shows."""
    device_id, _, secret = device_header.partition(".")
    return work.core.keyring.number(ids.DEVICE, device_id.strip()), secret.strip()


def _shown_device(work: Work, header: str) -> Any:
    number, secret = named_device(work, header)
    return proven(audience.device(work.session, work.app_id, number) if number is not None else None, secret)


def shown_secret(device_header: str | None) -> str | None:
    """The secret in the header, unproven: a registration may come from a device that is gone by now."""
    return (device_header or "").partition(".")[2].strip() or None


def _proven_user(work: Work, token: str) -> str:
    """The `sub` of a token that the app's back end signed (HS256) and that has not expired."""
    secret = apps.identity_secret(work, work.app_id)
    try:
        claims = jwt.decode(
            token, secret, algorithms=["HS256"],
            options={"require": ["exp", "sub"], "verify_exp": False, "verify_aud": False, "verify_iat": False},
        )  # fmt: skip
    except jwt.InvalidTokenError as error:
        raise NotAuthenticated(USER_WRONG) from error
    expires, user = claims["exp"], claims["sub"]
    if not isinstance(expires, int | float) or not expires + LEEWAY_SECONDS >= work.now.timestamp() or not user:
        raise NotAuthenticated(USER_WRONG)
    try:
        return people.checked_id(str(user))
    except Invalid as error:
        raise NotAuthenticated(USER_WRONG) from error


def check_names(speaker: Speaker, external_id: str) -> None:
    """Passes when the caller may act as this user. Raises `NotAuthenticated` or, for another's proof, `NotAllowed`."""
    if speaker.trusted or speaker.user == external_id or (speaker.believed and speaker.user is None):
        return
    if speaker.user is not None:
        raise NotAllowed("Tocsin-User proves another user than the one named.")
    raise NotAuthenticated(USER_NEEDED)


def check_device(work: Work, speaker: Speaker, device_id: str) -> None:
    """Passes when the caller may act as this device. Raises `NotFound` outside the app, `NotAllowed` for another's."""
    if not speaker.trusted and speaker.device is None:
        raise NotAuthenticated(DEVICE_NEEDED)
    number = ids.number(work, ids.DEVICE, device_id)
    if number == speaker.device:
        return
    if audience.device(work.session, work.app_id, number) is None:
        raise NotFound(f"There is no {device_id[:40]!r}.")
    if not speaker.trusted:
        raise NotAllowed("A device speaks for itself only.")


def person(work: Work, speaker: Speaker, user_id: str, *, create: bool = False) -> int:
    """The number of the user in the path, `me` being the proven user or else the device's. A server key may also
    use our own id of the user (`usr_…`).

    Raises `NotFound` unless `create`, and what `check_names` raises.
    """
    if user_id == ME:
        return _me(work, speaker, create)
    check_names(speaker, user_id)
    if speaker.trusted and (number := people_search.ours(work, user_id)) is not None:
        return number
    known = not create or (speaker.trusted and work.core.keyring.number(ids.USER, user_id) is not None)
    return people.find(work, user_id) if known else people.ensure_user(work, user_id)


def _me(work: Work, speaker: Speaker, create: bool) -> int:
    if speaker.user is not None:
        return people.ensure_user(work, speaker.user) if create else people.find(work, speaker.user)
    if speaker.owner is not None:
        return speaker.owner
    if speaker.trusted:
        raise Invalid("user_id", "a server key must name the user")
    raise NotAuthenticated(USER_NEEDED)
