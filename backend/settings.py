"""The only reader of the environment.

Each name may also be given as `NAME_FILE`, a file that holds the value. Nothing else in the product
looks at `os.environ`; processes that Tocsin starts get their settings by `child_environment`.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

MIN_SECRET = 32
_WEAK = {"changeme", "secret", "password", "tocsin"}


class SettingError(ValueError):
    """A setting cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator decided. Durations are seconds.

    `secret_keys` are newest first; the oldest one also names the public ids, so it stays in the list.
    `retry_scale` shrinks every waiting time towards providers; only rehearsals and tests touch it.
    """

    database_url: str
    data_dir: Path
    secret_keys: tuple[str, ...] = field(repr=False)
    base_url: str = "http://127.0.0.1:3000"
    redis_url: str | None = field(default=None, repr=False)
    push_hosts: tuple[str, ...] = ()
    allow_private_networks: bool = False
    ca_file: Path | None = None
    proxy_url: str | None = field(default=None, repr=False)
    smtp_url: str | None = field(default=None, repr=False)
    metrics_token: str | None = field(default=None, repr=False)
    log_level: str = "INFO"
    log_format: str = "text"
    lease_seconds: float = 15.0
    retry_scale: float = 1.0
    window: int = 200

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def simulator_dir(self) -> Path:
        return self.data_dir / "simulator"

    def child_environment(self) -> dict[str, str]:
        """The environment for a process that must see the same installation."""
        return {
            **os.environ,
            "TOCSIN_DATABASE_URL": self.database_url,
            "TOCSIN_DATA_DIR": str(self.data_dir),
            "TOCSIN_BASE_URL": self.base_url,
            "TOCSIN_PUSH_HOSTS": ",".join(self.push_hosts),
        }


def load(environ: Mapping[str, str] | None = None, *, defaults: Mapping[str, str] | None = None) -> Settings:
    """Reads and checks every setting. Raises `SettingError` naming the wrong one.

    `defaults` stand in for names that the environment does not give.
    """
    env = {**(defaults or {}), **(os.environ if environ is None else environ)}
    data_dir = Path(_read(env, "TOCSIN_DATA_DIR") or "data").absolute()
    database_url = _read(env, "TOCSIN_DATABASE_URL") or f"sqlite:///{data_dir / 'tocsin.db'}"
    data_dir.mkdir(parents=True, exist_ok=True)
    return Settings(
        database_url=_database(database_url),
        data_dir=data_dir,
        secret_keys=_secret_keys(_read(env, "TOCSIN_SECRET_KEYS"), data_dir),
        base_url=(_read(env, "TOCSIN_BASE_URL") or "http://127.0.0.1:3000").rstrip("/"),
        redis_url=_read(env, "TOCSIN_REDIS_URL"),
        push_hosts=_words(_read(env, "TOCSIN_PUSH_HOSTS")),
        allow_private_networks=_flag(env, "TOCSIN_ALLOW_PRIVATE_NETWORKS"),
        ca_file=_existing(_read(env, "TOCSIN_CA_FILE"), "TOCSIN_CA_FILE"),
        proxy_url=_proxy(_read(env, "TOCSIN_PROXY_URL")),
        smtp_url=_read(env, "TOCSIN_SMTP_URL"),
        metrics_token=_read(env, "TOCSIN_METRICS_TOKEN"),
        log_level=(_read(env, "TOCSIN_LOG_LEVEL") or "INFO").upper(),
        log_format=_choice(env, "TOCSIN_LOG_FORMAT", ("text", "json")),
        lease_seconds=_number(env, "TOCSIN_LEASE_SECONDS", 15.0, 1.0, 3600.0),
        retry_scale=_number(env, "TOCSIN_RETRY_SCALE", 1.0, 0.0001, 1.0),
        window=int(_number(env, "TOCSIN_WINDOW", 200, 1, 500)),
    )


def _read(env: Mapping[str, str], name: str) -> str | None:
    if path := env.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingError(f"{name}_FILE cannot be read: {error.strerror}") from error
    return (env.get(name) or "").strip() or None


def _database(url: str) -> str:
    if url.startswith(("sqlite:///", "postgresql+psycopg://")):
        return url
    if url.startswith(("postgresql://", "postgres://")):
        return "postgresql+psycopg://" + url.split("://", 1)[1]
    raise SettingError("TOCSIN_DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://")


def _secret_keys(text: str | None, data_dir: Path) -> tuple[str, ...]:
    keys = _words(text) if text else _own_secret(data_dir)
    for key in keys:
        if len(key) < MIN_SECRET or key.lower() in _WEAK or len(set(key)) < 8:
            raise SettingError(f"TOCSIN_SECRET_KEYS: each key needs at least {MIN_SECRET} random characters")
    return keys


def _own_secret(data_dir: Path) -> tuple[str, ...]:
    """Makes the installation's key at its first start; only its owner may read the file."""
    path = data_dir / "secret_keys"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _words(path.read_text(encoding="utf-8").strip())
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    return _words(path.read_text(encoding="utf-8").strip())


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def _flag(env: Mapping[str, str], name: str) -> bool:
    return (_read(env, name) or "").lower() in {"1", "true", "yes", "on"}


def _choice(env: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = (_read(env, name) or allowed[0]).lower()
    if value not in allowed:
        raise SettingError(f"{name} must be one of {', '.join(allowed)}")
    return value


def _existing(text: str | None, name: str) -> Path | None:
    if text and not Path(text).is_file():
        raise SettingError(f"{name}: there is no file {text}")
    return Path(text) if text else None


def _proxy(url: str | None) -> str | None:
    """Checks it; the message does not repeat it, for it may hold a password."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "http" and parts.hostname and parts.port and parts.path in {"", "/"}
    except ValueError:
        usable = False
    if not usable:
        raise SettingError("TOCSIN_PROXY_URL must be http://[user:password@]host:port")
    return url


def _number(env: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    text = _read(env, name)
    try:
        value = float(text) if text else default
    except ValueError as error:
        raise SettingError(f"{name} must be a number") from error
    if not low <= value <= high:
        raise SettingError(f"{name} must be between {low:g} and {high:g}")
    return value
