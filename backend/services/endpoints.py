"""Addresses that a member types and we connect to: not into our own network, unless the operator says so.

Whoever connects holds names against their look-up; here are refused the addresses that need none.
"""

import json
import socket
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from backend.errors import FieldError
from backend.providers.push_hosts import is_public
from backend.settings import Settings

_LOCAL = (".localhost", ".local", ".internal", ".home.arpa", ".lan")
_SENTENCE = (
    "points into a private network; the operator allows that with TOCSIN_PUSH_HOSTS or TOCSIN_ALLOW_PRIVATE_NETWORKS"
)


def problems(settings: Settings, body: Mapping[str, Any]) -> list[FieldError]:
    """What a credential's addresses may not be. The body has passed `parse_credential`."""
    if settings.allow_private_networks:
        return []
    wrong = [field for field, url in _addresses(body) if is_private(url, settings.push_hosts)]
    return [FieldError(field, _SENTENCE) for field in wrong]


def _addresses(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if endpoint := body.get("endpoint"):
        yield "endpoint", str(endpoint).strip()
    account = body.get("service_account")
    account = json.loads(account) if isinstance(account, str) else account
    if isinstance(account, Mapping) and account.get("token_uri"):
        yield "service_account.token_uri", str(account["token_uri"])


def is_private(url: str, named: tuple[str, ...] = ()) -> bool:
    """Whether an address says by its very host that it is inside a private network; `named` hosts are not."""
    parts = urlsplit(url)
    host, port = (parts.hostname or "").rstrip("."), parts.port or 443
    if {host, f"{host}:{port}", parts.netloc.lower()} & {name.lower() for name in named}:
        return False
    address = _address(host)
    if address is not None:
        return not is_public(address)
    return "." not in host or f".{host}".endswith(_LOCAL)


def _address(host: str) -> str | None:
    """The IP address that a host is, also in the spellings of old (`127.1`, `0x7f.1`, `2130706433`)."""
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None
