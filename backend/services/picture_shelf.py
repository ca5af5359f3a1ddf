"""Our own copies of pictures, and what was found at their addresses, in the data folder: bounded in number and age,
each under a name that nobody can guess.
"""

import hashlib
import re
import secrets
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

import orjson

from backend.bootstrap import Core
from backend.domain.picture import Picture, PictureType
from backend.errors import NotFound

KEPT: Final = timedelta(days=1)
MOST: Final = 300
"""Copies an app, each of a few hundred kilobytes at most; and addresses, of a few hundred bytes."""
COPIES: Final = "pictures"
FACTS: Final = "picture-facts"
_NAME: Final = re.compile(r"[0-9a-f]{64}")


def put(core: Core, app_id: int, copy: bytes) -> str:
    """Keeps a copy; its name. The same picture has the same name within an app."""
    key = _key(core, app_id, f"picture {hashlib.sha256(copy).hexdigest()}")
    _keep(core, _folder(core, app_id, COPIES), key, copy)
    return key


def get(core: Core, app_id: int, key: str) -> bytes:
    """A copy of this app's. Raises `NotFound`."""
    if _NAME.fullmatch(key):
        with suppress(FileNotFoundError):
            return (_folder(core, app_id, COPIES) / key).read_bytes()
    raise NotFound("This picture is not kept any more; look at its address again.")


def note(core: Core, app_id: int, url: str, found: Picture) -> None:
    """Remembers what lay at an address when it was looked at."""
    _keep(core, _folder(core, app_id, FACTS), _key(core, app_id, f"picture at {url}"), orjson.dumps(found))


def noted(core: Core, app_id: int, url: str) -> Picture | None:
    """What lay at an address when it was last looked at, as long as that is remembered."""
    with suppress(FileNotFoundError):
        told = orjson.loads((_folder(core, app_id, FACTS) / _key(core, app_id, f"picture at {url}")).read_bytes())
        return Picture(**{**told, "type": PictureType(told["type"])})
    return None


def sweep(core: Core) -> None:
    """Removes what is old, of apps too that look at no pictures any more."""
    for kind in (COPIES, FACTS):
        with suppress(FileNotFoundError):
            for folder in (core.settings.data_dir / kind).iterdir():
                _tidy(core, folder)


def _key(core: Core, app_id: int, of: str) -> str:
    return hashlib.sha256(core.keyring.blind_index(app_id, of)).hexdigest()


def _keep(core: Core, folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = folder / f"{secrets.token_hex(8)}.new"
    new.write_bytes(content)
    new.replace(folder / name)
    _tidy(core, folder)


def _folder(core: Core, app_id: int, kind: str) -> Path:
    return core.settings.data_dir / kind / str(app_id)


def _tidy(core: Core, folder: Path) -> None:
    """The newest stay, unless they are old; another process may tidy at the same moment."""
    oldest = (core.clock() - KEPT).timestamp()
    aged: list[tuple[float, Path]] = []
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            aged.append((path.stat().st_mtime, path))
    aged.sort(reverse=True)
    for position, (at, path) in enumerate(aged):
        if position >= MOST or at < oldest:
            path.unlink(missing_ok=True)
