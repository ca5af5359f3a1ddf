"""The engines behind `ChunkQueue`, each over a laid-out board. A new engine is one line of ENGINES."""

from collections.abc import Callable

import pytest

from backend.bootstrap import Core
from backend.dispatch import ChunkQueue, LeaseQueue
from backend.services.apps import AppRow
from tests.dispatch.board import Board, laid_out

ENGINES: dict[str, Callable[[Core], ChunkQueue]] = {"leases": LeaseQueue}


@pytest.fixture
def board(core: Core, app: AppRow) -> Board:
    return laid_out(core, app)


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> Callable[[Core], ChunkQueue]:
    return ENGINES[request.param]


@pytest.fixture
def queue(engine: Callable[[Core], ChunkQueue], board: Board) -> ChunkQueue:
    return engine(board.core)
