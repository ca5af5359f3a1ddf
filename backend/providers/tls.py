"""Whom we trust and who we are: TLS contexts for outgoing connections."""

import os
import ssl
import tempfile
from functools import lru_cache
from pathlib import Path


def tls_context(ca: tuple[str, ...], client_certificate: str | None = None) -> ssl.SSLContext:
    """Trusts the system's roots and the given PEM bundles; offers HTTP/2 only.

    `client_certificate` is PEM: certificate, its chain, and its key without a password. A context that
    holds one belongs to the caller alone; the others are shared. Raises `ssl.SSLError` for PEM that is none.
    """
    if client_certificate is None:
        return _shared(ca)
    context = _make(ca)
    _present(context, client_certificate)
    return context


@lru_cache(maxsize=64)
def _shared(ca: tuple[str, ...]) -> ssl.SSLContext:
    return _make(ca)


def _make(ca: tuple[str, ...]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    for pem in ca:
        context.load_verify_locations(cadata=pem)
    return context


def _present(context: ssl.SSLContext, pem: str) -> None:
    """`ssl` reads a key from files only, so it gets one that nobody else may open, for as long as it reads."""
    descriptor, name = tempfile.mkstemp(prefix="tocsin-")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(pem)
        context.load_cert_chain(name, password=_no_password)
    finally:
        Path(name).unlink()


def _no_password() -> str:
    """Where a key wants one after all, OpenSSL would ask at the terminal."""
    raise ssl.SSLError("the key of the client certificate has a password")
