"""Builds the frontend once and keeps only what the server needs: the compiled client and the routes."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from console.fingerprint import ROOT, fingerprint

try:
    import fcntl
except ImportError:  # Windows has no such locks; there one starts one server at a time
    fcntl = None

FOLDER = ROOT / "frontend"
STAMP = "fingerprint.txt"


def is_current(folder: Path = FOLDER) -> bool:
    """Whether the folder holds the frontend of exactly these sources."""
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8").strip() == fingerprint()


def ensure(folder: Path = FOLDER) -> Path:
    """The folder with a current frontend; builds it when it is missing or stale (10 to 30 s)."""
    if not is_current(folder):
        with _alone():
            if not is_current(folder):
                build(folder)
    return folder


def build(folder: Path = FOLDER) -> None:
    """Compiles the pages. Raises `subprocess.CalledProcessError` when Reflex refuses them."""
    made_of = fingerprint()  # of what is compiled now, even if somebody edits meanwhile
    _export()
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(ROOT / ".web" / "build" / "client", fresh / "build" / "client")
    for name in ("routes.json", "backend"):
        _copy(ROOT / ".web" / name, fresh / name)
    (fresh / STAMP).write_text(made_of + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Two processes that start together must not compile into the same folder: the second waits for the first."""
    name = f"tocsin-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]}.lock"
    with (Path(tempfile.gettempdir()) / name).open("w", encoding="utf-8") as lock:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _export() -> None:
    """Runs `reflex export` with a data folder of its own: building must not touch the installation's."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")},
            "REFLEX_TELEMETRY_ENABLED": "false",
            "TOCSIN_DATA_DIR": scratch,
        }
        environment.pop("REFLEX_WEB_WORKDIR", None)
        command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)  # noqa: S603 - our own words


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copy2(source, target)


if __name__ == "__main__":
    with _alone():
        build(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else FOLDER)
