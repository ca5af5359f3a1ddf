"""Credentials: what a provider asks for before it carries our pushes. Their secrets are never given back.

A credential is a lane of the sender; `holds` stops and releases it.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidTag

from backend.bootstrap import Core
from backend.db import Actor, Work
from backend.domain.vocabulary import CredentialStatus, Environment, HeldKind, ProviderName
from backend.errors import Conflict, FieldError, Invalid, NotFound
from backend.models import Credential
from backend.providers import CredentialError, base, build, parse_credential
from backend.queries import credentials as queries
from backend.services import audit, endpoints, holds, ids

VERIFY_SECONDS = 20.0
FASTEST = 1_000_000
TRUSTED = timedelta(hours=24)
"""How long a member's word stands that the addresses called dead are dead."""
Loaded = tuple[ProviderName, base.Credential]


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """A credential as people see it. `public` holds what may be shown, `reason` why its lane is held.

    `held_kind` says who holds it, None for a lane that works. `max_per_second` is a member's own limit.
    While `quarantined_at` is set no device is removed. `expires_at` is the end of a client certificate.
    """

    id: str
    provider: ProviderName
    environment: Environment
    topic: str | None
    status: CredentialStatus
    public: Mapping[str, Any]
    endpoint: str | None
    has_ca: bool
    created_at: datetime
    verified_at: datetime | None
    expires_at: datetime | None
    held_kind: HeldKind | None
    reason: str | None
    max_per_second: int | None
    quarantined_at: datetime | None
    quarantine_reason: str | None
    devices: int

    @property
    def held(self) -> bool:
        return self.held_kind is not None


def add_credential(
    work: Work, provider: ProviderName | str, body: Mapping[str, Any], *, trusted: bool = False
) -> CredentialRow:
    """Checks and keeps a credential, and binds the devices that have waited for one. Raises `Invalid`.

    `trusted` lets it point into private networks; so do `push_hosts` and `allow_private_networks`.
    """
    name = _provider(provider)
    try:
        public, secret = parse_credential(name, body, work.now)
    except CredentialError as error:
        raise Invalid([FieldError(field, message) for field, message in error.problems]) from error
    if not trusted and (problems := endpoints.problems(work.core.settings, body)):
        raise Invalid(problems)
    row = _new(work, name, body, public)
    row.sealed_secret = work.core.keyring.encrypt(json.dumps(secret), _context(work.app_id))
    work.session.add(row)
    work.session.flush()
    bound = queries.bind_waiting(work.session, row, both_worlds=_serves_both(name, row.environment))
    made = _row(work, row, bound)
    audit.record(work, "credential.added", made.id, provider=str(name), environment=row.environment)
    return made


def list_credentials(work: Work) -> list[CredentialRow]:
    """The app's credentials in the order they were made."""
    counts = queries.device_counts(work.session, work.app_id)
    return [_row(work, row, counts.get(row.id or 0, 0)) for row in queries.of_app(work.session, work.app_id)]


def get_credential(work: Work, credential_id: str) -> CredentialRow:
    row = _found(work, credential_id)
    return _row(work, row, queries.device_counts(work.session, work.app_id).get(row.id or 0, 0))


def number_of(work: Work, credential_id: str) -> int:
    """The row's number. Raises `NotFound` for another app's."""
    return _found(work, credential_id).id or 0


def retire_credential(work: Work, credential_id: str) -> CredentialRow:
    """New devices go elsewhere; the ones it has stay."""
    return set_status(work, credential_id, CredentialStatus.RETIRING)


def set_status(work: Work, credential_id: str, status: CredentialStatus | str) -> CredentialRow:
    """Makes it active, which also lets a held lane send again, or retiring. Raises `Invalid`, `NotFound`."""
    if status not in list(CredentialStatus):
        raise Invalid("status", f"must be one of {', '.join(CredentialStatus)}")
    row = _found(work, credential_id)
    queries.change(work.session, row.id or 0, status=CredentialStatus(status), updated_at=work.now)
    if status == CredentialStatus.ACTIVE:
        holds.release(work, row.id or 0)
    audit.record(work, "credential.status", credential_id, status=str(status))
    return get_credential(work, credential_id)


def set_rate(work: Work, credential_id: str, per_second: int | None) -> CredentialRow:
    """Limits how many pushes a second go through it; None leaves it to the provider. Raises `Invalid`, `NotFound`."""
    if per_second is not None and not 1 <= per_second <= FASTEST:
        raise Invalid("max_per_second", f"must be a whole number from 1 to {FASTEST:,}, or null")
    row = _found(work, credential_id)
    queries.change(work.session, row.id or 0, max_per_second=per_second, updated_at=work.now)
    audit.record(work, "credential.rate", credential_id, max_per_second=per_second)
    return get_credential(work, credential_id)


def prune_again(work: Work, credential_id: str) -> CredentialRow:
    """A member has looked: devices called dead are removed again, and for a day nothing stops that.

    Nothing changes where they are being removed. Raises `NotFound`.
    """
    row = _found(work, credential_id)
    if row.quarantined_at is None:
        return get_credential(work, credential_id)
    lifted = {"quarantined_at": None, "quarantine_reason": None, "trusted_until": work.now + TRUSTED}
    queries.change(work.session, row.id or 0, **lifted)
    audit.record(work, "credential.prune_again", credential_id)
    return get_credential(work, credential_id)


def delete_credential(work: Work, credential_id: str) -> None:
    """Removes it for good. Raises `Conflict` while somebody is reached through it or a send has used it."""
    row = _found(work, credential_id)
    use = queries.use(work.session, row.id or 0)
    if use.open_chunks:
        raise Conflict("A send through this credential is under way; delete it when that is done.")
    if use.active_devices or (use.devices and row.status != CredentialStatus.RETIRING):
        raise Conflict(f"{use.devices} devices are reached through this credential; retire it instead.")
    queries.delete(work.session, row.id or 0)
    audit.record(work, "credential.deleted", credential_id, provider=row.provider)


def load(work: Work, number: int) -> Loaded:
    """Provider and decrypted credential, for whoever sends.

    Raises `NotFound`; `KeyError` or `InvalidTag` when no key of the installation opens it.
    """
    row = queries.by_number(work.session, number)
    if row is None:
        raise NotFound("There is no such credential.")
    secret = json.loads(work.core.keyring.decrypt(row.sealed_secret, _context(row.app_id)))
    credential = base.Credential(
        id=number, environment=row.environment, endpoint=row.endpoint, ca=row.ca, public=row.public, secret=secret
    )
    return ProviderName(row.provider), credential


def active_for(work: Work, provider: ProviderName, environment: Environment | str) -> int | None:
    """The newest active credential of the app for that provider and environment."""
    return queries.newest_active(work.session, work.app_id, provider, environment)


async def verify(core: Core, app_id: int, credential_id: str, actor: Actor) -> CredentialRow:
    """Asks the provider whether it believes the credential; bad news is its `reason`.

    Good news releases a lane that the provider had shut, not one that a member has paused. No transaction
    is open while the provider is asked. Raises `NotFound`.
    """
    name, credential = await asyncio.to_thread(_load_for, core, app_id, credential_id, actor)
    provider = build(name, credential, core.settings)
    try:
        async with asyncio.timeout(VERIFY_SECONDS):
            problem = await provider.verify()
    except TimeoutError:
        problem = f"The provider did not answer within {VERIFY_SECONDS:g} seconds."
    finally:
        await provider.close()
    return await asyncio.to_thread(_verified, core, app_id, credential_id, actor, problem)


def _load_for(core: Core, app_id: int, credential_id: str, actor: Actor) -> Loaded:
    with core.reading(actor, app_id) as work:
        try:
            return load(work, number_of(work, credential_id))
        except (KeyError, InvalidTag) as error:
            raise Conflict("This credential cannot be opened with the installation's TOCSIN_SECRET_KEYS.") from error


def _verified(core: Core, app_id: int, credential_id: str, actor: Actor, problem: str | None) -> CredentialRow:
    with core.work(actor, app_id) as work:
        row = _found(work, credential_id)
        number, paused = row.id or 0, row.held_kind == HeldKind.MEMBER
        if not problem:
            queries.change(work.session, number, verified_at=work.now)
            holds.release(work, number, [HeldKind.PROVIDER])
        if not paused:
            queries.change(work.session, number, reason=problem)
        audit.record(work, "credential.verified", credential_id, problem=problem)
        return get_credential(work, credential_id)


def _provider(name: ProviderName | str) -> ProviderName:
    if name not in list(ProviderName):
        raise Invalid("provider", f"must be one of {', '.join(ProviderName)}")
    return ProviderName(name)


def _new(work: Work, name: ProviderName, body: Mapping[str, Any], public: Mapping[str, Any]) -> Credential:
    """The row without its secret; `parse_credential` has checked every field."""
    return Credential(
        app_id=work.app_id,
        provider=name,
        environment=_text(body, "environment") or Environment.PRODUCTION,
        topic=public.get("topic"),
        public=dict(public),
        sealed_secret=b"",
        endpoint=_text(body, "endpoint"),
        ca=_text(body, "ca"),
        expires_at=_instant(public.get("expires_at")),
        created_at=work.now,
        updated_at=work.now,
    )


def _text(body: Mapping[str, Any], field: str) -> str | None:
    return str(body.get(field) or "").strip() or None


def _instant(text: str | None) -> datetime | None:
    """RFC 3339, as the certificate's parser writes it."""
    return datetime.fromisoformat(text) if text else None


def _serves_both(name: ProviderName, environment: str) -> bool:
    """Only APNs keeps its two worlds apart by credential."""
    return name is not ProviderName.APNS and environment == Environment.PRODUCTION


def _found(work: Work, credential_id: str) -> Credential:
    row = queries.by_number(work.session, ids.number(work, ids.CREDENTIAL, credential_id))
    if row is None or row.app_id != work.app_id:
        raise NotFound("There is no such credential.")
    return row


def _context(app_id: int) -> str:
    return f"credential:{app_id}"


def _row(work: Work, row: Credential, devices: int) -> CredentialRow:
    held = row.held_until is not None and row.held_until > work.now
    return CredentialRow(
        id=ids.public(work, ids.CREDENTIAL, row.id or 0),
        provider=ProviderName(row.provider),
        environment=Environment(row.environment),
        topic=row.topic,
        status=CredentialStatus(row.status),
        public=row.public,
        endpoint=row.endpoint,
        has_ca=row.ca is not None,
        created_at=row.created_at,
        verified_at=row.verified_at,
        expires_at=row.expires_at,
        held_kind=HeldKind(row.held_kind or HeldKind.PROVIDER) if held else None,
        reason=row.reason,
        max_per_second=row.max_per_second,
        quarantined_at=row.quarantined_at,
        quarantine_reason=row.quarantine_reason,
        devices=devices,
    )
