"""Builds the frontend once and keeps only what the server needs: the compiled client and the routes."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from console.fingerprint import ROOT, fingerprint

FOLDER = ROOT / "frontend"
STAMP = "fingerprint.txt"


def is_current(folder: Path = FOLDER) -> bool:
    """Whether the folder holds the frontend of exactly these sources."""
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8").strip() == fingerprint()


def ensure(folder: Path = FOLDER) -> Path:
    """The folder with a current frontend; builds it when it is missing or stale (10 to 30 s)."""
    if not is_current(folder):
        build(folder)
    return folder


def build(folder: Path = FOLDER) -> None:
    """Compiles the pages. Raises `subprocess.CalledProcessError` when Reflex refuses them."""
    _export()
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / ".web" / "build" / "client", folder / "build" / "client")
    for name in ("routes.json", "backend"):
        _copy(ROOT / ".web" / name, folder / name)
    (folder / STAMP).write_text(fingerprint() + "\n", encoding="utf-8")


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
    build(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else FOLDER)
