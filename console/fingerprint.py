"""Whether a built frontend is still the one of these sources."""

import hashlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVER_ONLY = {
    "asgi",
    "build",
    "children",
    "cli",
    "core",
    "demo",
    "fingerprint",
    "garbage",
    "logs",
    "serve",
    "up",
    "worker",
}
TEXT = {".py", ".css", ".js", ".jsx", ".svg", ".webmanifest"}


def fingerprint() -> str:
    """SHA-256 over Reflex's version and every file that the frontend is made of."""
    digest = hashlib.sha256(version("reflex").encode())
    for path in _sources():
        data = path.read_bytes()
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(data.replace(b"\r\n", b"\n") if path.suffix in TEXT else data)
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    yield ROOT / "rxconfig.py"
    yield ROOT / "backend" / "domain" / "vocabulary.py"
    yield from sorted(path for path in (ROOT / "console").rglob("*.py") if path.stem not in SERVER_ONLY)
    yield from sorted(path for path in (ROOT / "assets").rglob("*") if path.is_file())
