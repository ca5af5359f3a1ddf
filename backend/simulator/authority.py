"""Everything secret in the simulated world: certificates, Apple's team, Google's project, browsers' keys.

`Authority` is read by both sides: the servers check by it, and whoever fills an app asks it for credentials
and device addresses. It persists in a folder, so that devices registered today answer tomorrow.
"""

import base64
import datetime as dt
import hashlib
import hmac
import os
import secrets
import string
import uuid
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self

import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from backend.domain.vocabulary import Environment, ProviderName
from backend.simulator import certificates, push_certificates
from backend.simulator.encoding import b64url

DEAD = "deaddead"
"""How the address of a device that is gone begins."""
ALIVE = "a11fe"
SANDBOX = "5a9db"
"""How the APNs address of a device in the development environment begins."""
PROJECT = "tocsin-simulator"
ENDPOINTS_FILE = "endpoints.json"
_AUTHORITY_FILE = "authority.json"
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class NotServing(Exception):
    """No simulator has served from this folder yet, so nobody knows its addresses."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a simulator serves: its base URLs, its process id and the path of its root certificate.

    `webpush2` is a second push service, `sandbox` APNs for development; `control` answers the control routes
    whatever happens to the others.
    """

    apns: str
    fcm: str
    webpush: str
    pid: int
    ca: str
    webpush2: str = field(default="", kw_only=True)
    sandbox: str = field(default="", kw_only=True)
    control: str = field(default="", kw_only=True)

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Raises `NotServing` where there is no `endpoints.json`."""
        path = directory / ENDPOINTS_FILE
        try:
            return cls(**orjson.loads(path.read_bytes()))
        except FileNotFoundError as error:
            raise NotServing(f"{path} does not exist: start the simulator first") from error

    @property
    def push_hosts(self) -> tuple[str, ...]:
        """`host:port` of every provider, for whoever must be allowed to reach them."""
        urls = (self.apns, self.fcm, self.webpush, self.webpush2, self.sandbox)
        return tuple(url.removeprefix("https://") for url in urls if url)

    def write(self, directory: Path) -> None:
        _write(directory / ENDPOINTS_FILE, orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))


@dataclass(frozen=True, slots=True)
class Browser:
    """The receiving end of a Web Push subscription."""

    private_key: ec.EllipticCurvePrivateKey
    public: bytes
    auth: bytes


class Authority:
    """The secrets of one folder. Make it with `load_or_create`."""

    def __init__(self, directory: Path, kept: dict[str, str], endpoints: Endpoints | None = None) -> None:
        self.directory = directory
        self.team_id, self.key_id = kept["team_id"], kept["key_id"]
        self.private_key_id, self.client_email = kept["private_key_id"], kept["client_email"]
        self.ca = kept["ca"]
        self._kept = kept
        self._secret = bytes.fromhex(kept["secret"])
        self._endpoints = endpoints

    @classmethod
    def load_or_create(cls, directory: Path, endpoints: Endpoints | None = None) -> Self:
        """Reads the folder's secrets, making them first where there are none; safe in two processes at once.

        `endpoints` overrides what `endpoints.json` says.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / _AUTHORITY_FILE
        if not path.exists():
            _write_once(path, orjson.dumps(_new_secrets(), option=orjson.OPT_INDENT_2))
        authority = cls(directory, orjson.loads(path.read_bytes()), endpoints)
        authority._lay_out()
        return authority

    @property
    def ca_path(self) -> Path:
        return self.directory / "ca.pem"

    @property
    def server_path(self) -> Path:
        """The servers' certificate and key in one PEM file."""
        return self.directory / "server.pem"

    def _lay_out(self) -> None:
        for path, text in ((self.ca_path, self.ca), (self.server_path, self._kept["server"])):
            if not path.exists() or path.read_text() != text:
                _write(path, text.encode())

    @property
    def endpoints(self) -> Endpoints:
        """Read once; raises `NotServing` where no simulator has served from this folder."""
        if self._endpoints is None:
            self._endpoints = Endpoints.read(self.directory)
        return self._endpoints

    def bind(self, endpoints: Endpoints) -> None:
        """Tells where its simulator serves now."""
        self._endpoints = endpoints

    @cached_property
    def apns_public_key(self) -> ec.EllipticCurvePublicKey:
        key = serialization.load_pem_private_key(self._kept["apns_key"].encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the kept APNs key is not an elliptic curve key")
        return key.public_key()

    @cached_property
    def service_account_public_key(self) -> rsa.RSAPublicKey:
        # Proving that our own key's primes are prime would take a tenth of a second.
        key = serialization.load_pem_private_key(
            self._kept["service_account_key"].encode(), None, unsafe_skip_rsa_key_validation=True
        )
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("the kept service account key is not an RSA key")
        return key.public_key()

    def apns_credential_body(self, topic: str, environment: str = Environment.PRODUCTION) -> dict[str, Any]:
        """What `POST /apps/{id}/credentials` takes for APNs by provider token, without `provider`."""
        key = {"team_id": self.team_id, "key_id": self.key_id, "private_key": self._kept["apns_key"]}
        return self._apns_body(topic, environment) | key

    def apns_certificate_body(
        self,
        topic: str,
        environment: str = Environment.PRODUCTION,
        *,
        password: str | None = None,
        p12: bool = False,
        universal: bool = False,
        days: float = 365,
    ) -> dict[str, Any]:
        """The same for APNs by a TLS client certificate: `certificate` is a PEM, or a `.p12` in base64.

        It is for `topic` in that environment; a `universal` one for both, and for the topics of VoIP and
        complications too. `days` until it ends; negative, it ended so long ago.
        """
        now = dt.datetime.now(dt.UTC)
        topics = (topic, f"{topic}.voip", f"{topic}.complication") if universal else (topic,)
        environments = tuple(Environment) if universal else (Environment(environment),)
        end = now + dt.timedelta(days=days)
        key = self._push_key
        made = push_certificates.issue(self._push_root_key, key, topics, environments, min(now, end), end)
        if p12:
            text = base64.b64encode(push_certificates.as_p12(made, key, password)).decode()
        else:
            text = push_certificates.as_pem(made, key, password)
        body = self._apns_body(topic, environment) | {"certificate": text}
        return body | {"password": password} if password else body

    def _apns_body(self, topic: str, environment: str) -> dict[str, Any]:
        endpoints = self.endpoints
        sandbox = environment == Environment.SANDBOX and endpoints.sandbox
        endpoint = endpoints.sandbox if sandbox else endpoints.apns
        return {"topic": topic, "environment": str(environment), "endpoint": endpoint, "ca": self.ca}

    @cached_property
    def _push_root_key(self) -> ec.EllipticCurvePrivateKey:
        return _derived_key(hmac.digest(self._secret, b"push clients", "sha512"))

    @cached_property
    def _push_key(self) -> rsa.RSAPrivateKey:
        """The developer's own, as Keychain makes it for the request."""
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def push_root(self) -> str:
        """The root that vouches for push certificates, as PEM."""
        return push_certificates.root(self._push_root_key)

    def fcm_credential_body(self) -> dict[str, Any]:
        """What `POST /apps/{id}/credentials` takes for FCM, without `provider`."""
        return {"service_account": self.service_account(), "endpoint": self.endpoints.fcm, "ca": self.ca}

    def service_account(self) -> dict[str, str]:
        """The JSON key file as Google would hand it out, with our own token endpoint."""
        return {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": self.private_key_id,
            "private_key": self._kept["service_account_key"],
            "client_email": self.client_email,
            "client_id": str(int(self.private_key_id[:14], 16)),
            "auth_uri": f"{self.endpoints.fcm}/auth",
            "token_uri": f"{self.endpoints.fcm}/token",
            "universe_domain": "googleapis.com",
        }

    @cached_property
    def project_number(self) -> str:
        """Google's number of the project, which stands for its id in every path."""
        return str(int(self.private_key_id[:10], 16))

    def webpush_credential_body(self, subject: str) -> dict[str, Any]:
        """What `POST /apps/{id}/credentials` takes for Web Push, without `provider`."""
        return {"subject": subject, "endpoint": self.endpoints.webpush, "ca": self.ca}

    def device_address(
        self, provider: ProviderName | str, n: int, *, dead: bool = False, host: str = "", kind: str = "token"
    ) -> dict[str, Any]:
        """The n-th device of a provider, always the same: `{token}`, `{fid}` or `{subscription}` of `POST /devices`.

        A dead device answers as one whose app was removed. `host` is `sandbox` for an APNs device in the
        development environment and `webpush2` for a subscription at the second push service; `kind` is `fid`
        for FCM's new addresses.
        """
        name = ProviderName(provider)
        digest = hmac.digest(self._secret, f"{name}:{n}:{dead}".encode(), "sha512")
        start = DEAD if dead else ALIVE
        if name is ProviderName.APNS:
            return {"token": ((SANDBOX if host == "sandbox" and not dead else start) + digest.hex())[:64]}
        text = start + b64url(digest + hashlib.sha512(digest).digest())
        if name is ProviderName.FCM:
            # A Firebase installation id begins with c, d, e or f.
            fid = (text if dead else "e" + text)[:22]
            return {"fid": fid} if kind == "fid" else {"token": f"{fid}:APA91b{text[8:142]}"}
        origin = self.endpoints.webpush2 if host == "webpush2" else self.endpoints.webpush
        return {"subscription": self._subscription(origin, text[:43])}

    def _subscription(self, origin: str, path: str) -> dict[str, Any]:
        browser = self.browser(path)
        return {
            "endpoint": f"{origin}/wpush/v2/{path}",
            "keys": {"p256dh": b64url(browser.public), "auth": b64url(browser.auth)},
        }

    def browser(self, path: str) -> Browser:
        """The browser behind the last part of an endpoint's path: derived, never stored."""
        return _browser(self._secret, path)

    def access_key(self) -> bytes:
        """What our OAuth access tokens are signed with."""
        return hmac.digest(self._secret, b"access tokens", "sha256")


def _derived_key(digest: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(1 + int.from_bytes(digest[:48]) % (_P256_ORDER - 1), ec.SECP256R1())


@lru_cache(maxsize=20_000)
def _browser(secret: bytes, path: str) -> Browser:
    digest = hmac.digest(secret, b"browser:" + path.encode(), "sha512")
    private_key = _derived_key(digest)
    public = private_key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return Browser(private_key, public, digest[48:])


def _new_secrets() -> dict[str, str]:
    ca, server = certificates.make(dt.datetime.now(dt.UTC))
    google = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return {
        "secret": secrets.token_hex(32),
        "team_id": _apple_id(),
        "key_id": _apple_id(),
        "apns_key": certificates.private_pem(ec.generate_private_key(ec.SECP256R1())),
        "private_key_id": secrets.token_hex(20),
        "client_email": f"push-{secrets.token_hex(3)}@{PROJECT}.iam.gserviceaccount.com",
        "service_account_key": google.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        "ca": ca,
        "server": server,
    }


def _apple_id() -> str:
    return "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(10))


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, and readable by its owner only."""
    _beside(path, data).replace(path)


def _write_once(path: Path, data: bytes) -> None:
    """As `_write`, but the first of several processes wins."""
    beside = _beside(path, data)
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        return
    finally:
        beside.unlink()


def _beside(path: Path, data: bytes) -> Path:
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    return beside
