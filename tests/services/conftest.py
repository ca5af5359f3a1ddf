"""The provider simulator for tests of whole sends: one process a file, as good as new for each test."""

from collections.abc import Iterator

import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import credentials
from backend.services.apps import AppRow
from tests import factories
from tests.factories import Simulator


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with factories.simulator(tmp_path_factory.mktemp("simulator")) as running:
        yield running


@pytest.fixture
def provider(simulated: Simulator) -> Simulator:
    simulated.behave()
    simulated.reset()
    return simulated


@pytest.fixture
def shop(core: Core, app: AppRow, provider: Simulator) -> AppRow:
    """An app with an FCM lane to the simulator; a file that needs more lanes has a `shop` of its own."""
    with core.work(OPERATOR, app.number) as work:
        credentials.add_credential(work, "fcm", provider.authority.fcm_credential_body(), trusted=True)
    return app
