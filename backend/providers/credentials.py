"""Credentials as members paste them: checked, and split into what may be shown and what may not."""

import re
import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from backend.domain.vocabulary import Environment
from backend.providers import apns_certificate
from backend.providers.tls import tls_context
from backend.providers.transport import split_url
from backend.providers.webpush_crypto import from_b64url, generate_vapid_keys, public_of, vapid_key

Parts = tuple[dict[str, str], dict[str, str]]
"""(public, secret) of `base.Credential`."""

_COMMON = frozenset({"provider", "environment", "endpoint", "ca"})
_APNS = frozenset({"topic", "team_id", "key_id", "private_key", "certificate", "password"})
_APPLE_ID = re.compile(r"[A-Z0-9]{10}")
_TOPIC = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_MAILBOX = re.compile(r"mailto:[^@\s]+@([^@\s]+)")
_LOCAL = frozenset({"localhost", "localhost.localdomain", "127.0.0.1", "::1"})


class CredentialError(Exception):
    """What is wrong with a credential, as (field, sentence) pairs."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field} {message}" for field, message in problems))
        self.problems = tuple(problems)


class _Reader:
    """Reads text fields and collects the first problem of each, so that all can be said at once."""

    def __init__(self, body: Mapping[str, Any], fields: frozenset[str]) -> None:
        self._body = body
        self.problems: list[tuple[str, str]] = []
        for name in sorted(body.keys() - fields - _COMMON):
            self.wrong(name, "is not a field of this credential")

    def wrong(self, name: str, message: str) -> None:
        if all(name != known for known, _ in self.problems):
            self.problems.append((name, message))

    def text(self, name: str) -> str:
        """The field's text, "" where there is none."""
        value = self._body.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.wrong(name, "must be text")
            return ""
        return value.strip()

    def needed(self, name: str, shape: re.Pattern[str], rule: str) -> str:
        value = self.text(name)
        if not value:
            self.wrong(name, "is missing")
        elif value and not shape.fullmatch(value):
            self.wrong(name, rule)
        return value

    def finish(self) -> None:
        """Checks what every credential may have. Raises `CredentialError`."""
        endpoint, ca, environment = self.text("endpoint"), self.text("ca"), self.text("environment")
        if endpoint and (problem := _endpoint_problem(endpoint)):
            self.wrong("endpoint", problem)
        if ca and (problem := _ca_problem(ca)):
            self.wrong("ca", problem)
        if environment and environment not in set(Environment):
            self.wrong("environment", "must be production or sandbox")
        if self.problems:
            raise CredentialError(self.problems)


def parse_apns(body: Mapping[str, Any], now: datetime) -> Parts:
    """A key or a certificate. Raises `CredentialError`.

    public: topic, and of a key team_id and key_id, of a certificate certificate_subject and expires_at
    (RFC 3339); secret: private_key, or certificate (both PEM, the latter with its key).
    """
    read = _Reader(body, _APNS)
    topic = read.needed("topic", _TOPIC, "must be the app's bundle id, such as com.example.app")
    public, secret = _certificate(read, topic, now) if read.text("certificate") else _key(read)
    read.finish()
    return {"topic": topic} | public, secret


def _key(read: _Reader) -> Parts:
    public = {
        "team_id": read.needed("team_id", _APPLE_ID, "must be 10 capital letters and digits"),
        "key_id": read.needed("key_id", _APPLE_ID, "must be 10 capital letters and digits"),
    }
    pem = read.text("private_key")
    if problem := _p8_problem(pem):
        read.wrong("private_key", problem)
    return public, {"private_key": pem}


def _certificate(read: _Reader, topic: str, now: datetime) -> Parts:
    for name in ("team_id", "key_id", "private_key"):
        if read.text(name):
            read.wrong(name, "belongs to a key: give a key or a certificate, not both")
    try:
        found = apns_certificate.read(read.text("certificate"), read.text("password"))
    except apns_certificate.BadCertificate as error:
        read.wrong(error.field, error.problem)
        return {}, {}
    if problem := _certificate_problem(found, topic, read.text("environment") or Environment.PRODUCTION, now):
        read.wrong(*problem)
    ends = found.expires_at.isoformat().replace("+00:00", "Z")
    return {"certificate_subject": found.subject, "expires_at": ends}, {"certificate": found.pem}


def _certificate_problem(
    found: apns_certificate.Identity, topic: str, environment: str, now: datetime
) -> tuple[str, str] | None:
    """(field, sentence) on a certificate that is read well but of no use."""
    if found.expires_at <= now:
        return "certificate", f"expired on {found.expires_at:%-d %B %Y}"
    if found.starts_at > now:
        return "certificate", f"is good from {found.starts_at:%-d %B %Y, %H:%M} UTC only, by this machine's clock"
    if found.environments and environment not in found.environments:
        return (
            "environment",
            f"is not what the certificate is for: it is for {' and '.join(sorted(found.environments))}",
        )
    if topic and found.topics and topic not in found.topics:
        return "topic", f"is not one of the certificate's: {', '.join(sorted(found.topics)[:5])}"
    try:
        tls_context((), found.pem)
    except ssl.SSLError as error:
        return "certificate", f"cannot be shown to Apple: {error.reason or error}"
    return None


def parse_fcm(body: Mapping[str, Any], now: datetime) -> Parts:
    """public: project_id, client_email; secret: service_account (JSON text). Raises `CredentialError`."""
    read = _Reader(body, frozenset({"service_account"}))
    account = _account(body.get("service_account"), read)
    public = {name: _account_text(account, name, read) for name in ("project_id", "client_email")}
    token_uri = _account_text(account, "token_uri", read)
    if token_uri and (problem := _endpoint_problem(token_uri)):
        read.wrong("service_account.token_uri", problem)
    pem = _account_text(account, "private_key", read)
    if pem and (problem := _rsa_problem(pem)):
        read.wrong("service_account.private_key", problem)
    read.finish()
    return public, {"service_account": orjson.dumps(account).decode()}


def parse_webpush(body: Mapping[str, Any], now: datetime) -> Parts:
    """public: subject, public_key; secret: private_key (base64url). Makes the keys where there are none.

    Raises `CredentialError`.
    """
    read = _Reader(body, frozenset({"subject", "public_key", "private_key"}))
    subject = read.text("subject")
    if problem := _subject_problem(subject):
        read.wrong("subject", problem)
    public_key, private_key = _vapid_pair(read.text("public_key"), read.text("private_key"), read)
    read.finish()
    return {"subject": subject, "public_key": public_key}, {"private_key": private_key}


def _endpoint_problem(url: str) -> str | None:
    try:
        _, rest = split_url(url)
    except ValueError:
        return "must be an https URL without a user name"
    return "must not have a query" if "?" in rest else None


def _ca_problem(pem: str) -> str | None:
    try:
        return None if x509.load_pem_x509_certificates(pem.encode()) else "holds no certificate"
    except ValueError:
        return "is not a PEM certificate"


def _load(pem: str) -> Any:
    """The private key in a PEM; a sentence where there is none."""
    try:
        return serialization.load_pem_private_key(pem.encode(), None)
    except TypeError:
        return "is protected by a password: export it without one"
    except ValueError:
        return "is not a private key in PEM form"


def _p8_problem(pem: str) -> str | None:
    if not pem:
        return "is missing"
    key = _load(pem)
    if isinstance(key, str):
        return key
    good = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
    return None if good else "must be a P-256 key, as in the .p8 file that Apple gives"


def _rsa_problem(pem: str) -> str | None:
    key = _load(pem)
    if isinstance(key, str):
        return key
    return None if isinstance(key, rsa.RSAPrivateKey) else "must be an RSA key, as in the file that Google gives"


def _account(value: Any, read: _Reader) -> dict[str, Any]:
    """The service account as an object; the text of its file is welcome too."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            read.wrong("service_account", "is not JSON")
            return {}
    if not value:
        read.wrong("service_account", "is missing")
    elif not isinstance(value, dict):
        read.wrong("service_account", "must be the JSON object of the key file")
    elif value.get("type") != "service_account":
        read.wrong("service_account.type", 'must be "service_account": this is another kind of key file')
    return value if isinstance(value, dict) else {}


def _account_text(account: Mapping[str, Any], name: str, read: _Reader) -> str:
    value = account.get(name)
    if isinstance(value, str) and value:
        return value
    if account:
        read.wrong(f"service_account.{name}", "is missing")
    return ""


def _subject_problem(subject: str) -> str | None:
    if not subject:
        return "is missing"
    mailbox = _MAILBOX.fullmatch(subject)
    if mailbox:
        host = mailbox[1]
    else:
        try:
            host = split_url(subject)[0].removeprefix("https://").partition(":")[0]
        except ValueError:
            return "must be mailto: with an address, or an https URL"
    local = host.lower() in _LOCAL or host.lower().endswith(".localhost") or "." not in host
    return "must not point to this machine: Apple refuses it" if local else None


def _vapid_pair(public_key: str, private_key: str, read: _Reader) -> tuple[str, str]:
    if not private_key:
        if public_key:
            read.wrong("private_key", "is missing: both keys or none")
        return generate_vapid_keys()
    try:
        own = public_of(vapid_key(private_key))
    except ValueError:
        read.wrong("private_key", "is not a P-256 private key in base64url (32 bytes)")
        return "", ""
    if public_key and not _same(public_key, own):
        read.wrong("public_key", "does not belong to the private key")
    return own, private_key.rstrip("=")


def _same(given: str, own: str) -> bool:
    try:
        return from_b64url(given) == from_b64url(own)
    except ValueError:
        return False
