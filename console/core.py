"""The core that every page, handler and route of this process works with."""

from backend import bootstrap
from backend.bootstrap import Core

_held: list[Core] = []


def use(core: Core) -> None:
    """Hands the process its core; whoever serves the console does this before it imports the app."""
    _held[:] = [core]


def core() -> Core:
    """The process's core, built from the environment when nobody has handed one over."""
    if not _held:
        use(bootstrap.build())
    return _held[0]
