"""What one push costs on its way, in CPU microseconds, without the network: `make bench`.

Compare two commits by the ratio of their figures on the same quiet machine; a single figure says little.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from backend.bootstrap import build
from backend.db import OPERATOR
from backend.dispatch import LeaseQueue
from backend.migrate import to_head
from backend.providers import encoder
from backend.providers.base import Outcome, OutcomeKind
from backend.services import credentials, planner, runs
from backend.services.steps import Held, Steps
from tests import factories
from tests.conftest import settings_for

DEVICES = 10_000


def timed(act: Callable[[], object]) -> tuple[object, float]:
    """What came of it, and the CPU seconds of this thread."""
    begun = time.thread_time()
    return act(), time.thread_time() - begun


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, factories.simulator(Path(folder) / "simulator") as provider:
        core = build(settings_for(f"sqlite:///{folder}/bench.db", Path(folder)))
        to_head(core.engine)
        app = factories.shop(core, provider.authority, DEVICES)
        factories.launched(core, app)
        _, planning = timed(lambda: planner.tick(core))
        sent, marking, writing = work_off(core)
        core.close()
    table = Table("step", "µs CPU a push", title=f"{sent:,} pushes on SQLite")
    for name, seconds in (("plan", planning), ("read, decide, render, encode, mark", marking), ("write", writing)):
        table.add_row(name, f"{seconds / sent * 1e6:.1f}")
    Console().print(table)


def work_off(core) -> tuple[int, float, float]:
    """Takes every chunk as a sender would; how many were to be sent, and what marking and writing cost."""
    queue = LeaseQueue(core)
    steps = Steps(core, queue)
    sent, marking, writing = 0, 0.0, 0.0
    while claims := queue.claim("bench", 10, []):
        for claim in claims:
            with core.reading(OPERATOR) as work:
                context = runs.load(work, claim.run_id)
                name, _ = credentials.load(work, claim.credential_id)
            held, last = Held(claim, context, encoder(name)), False
            while not last:
                (ready, last), seconds = timed(lambda held=held: marked(steps, held))
                marking += seconds
                taken = [(row, Outcome(OutcomeKind.ACCEPTED, 200)) for row in ready]
                _, seconds = timed(lambda held=held, taken=taken, last=last: steps.write(held, taken, last=last))
                writing, sent = writing + seconds, sent + len(ready)
    return sent, marking, writing


def marked(steps: Steps, held: Held) -> tuple[list, bool]:
    batch = steps.decide(held, 100)
    return steps.mark(held, batch.prepared), batch.last


if __name__ == "__main__":
    main()
