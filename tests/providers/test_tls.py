"""Whom we trust and who we are."""

import ssl
import tempfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from peer import Peer, certificate
from test_transport import post

from backend.providers.tls import tls_context
from backend.providers.transport import Transport


@pytest.fixture
def ours(tmp_path: Path) -> tuple[str, str]:
    """A root that vouches for our certificate, and the certificate with its key."""
    root, _ = certificate(tmp_path)
    return root, (tmp_path / "peer.pem").read_text()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


async def test_a_client_certificate_opens_the_door(tmp_path: Path, ours: tuple[str, str], temporary: Path) -> None:
    root, pem = ours
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    ca, context = certificate(theirs)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=root)
    peer = await Peer().start(context)
    known, nobody = Transport([ca], client_certificate=pem), Transport([ca])
    assert await post(known, peer.origin, "x") == "200"
    assert (await post(nobody, peer.origin, "y")).startswith("not sent:")
    assert set(peer.accepted) == {"/x"}
    assert list(temporary.iterdir()) == []
    await known.close()
    await nobody.close()
    await peer.stop()


def test_contexts_with_a_key_are_nobody_elses(ours: tuple[str, str], temporary: Path) -> None:
    root, pem = ours
    assert tls_context((root,)) is tls_context((root,))
    assert tls_context((root,), pem) is not tls_context((root,), pem)
    assert tls_context((root,), pem) is not tls_context((root,))


def test_a_key_with_a_password_is_refused_and_not_asked_for(ours: tuple[str, str], temporary: Path) -> None:
    _, pem = ours
    key = serialization.load_pem_private_key(pem.encode(), None)
    sealed = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    ).decode()
    with pytest.raises(ssl.SSLError, match="password"):
        tls_context((), pem[: pem.index("-----BEGIN PRIVATE")] + sealed)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("pem", ["", "garbage", "-----BEGIN CERTIFICATE-----\nxxxx\n-----END CERTIFICATE-----\n"])
def test_what_is_no_pem_is_refused(pem: str, temporary: Path) -> None:
    with pytest.raises(ssl.SSLError):
        tls_context((), pem)
    assert list(temporary.iterdir()) == []


def test_only_http2_over_modern_tls() -> None:
    assert tls_context(()).minimum_version is ssl.TLSVersion.TLSv1_2
    assert tls_context(()).verify_mode is ssl.CERT_REQUIRED
    assert tls_context(()).check_hostname
