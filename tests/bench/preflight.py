"""A pre-flight over 100 000 devices: `python -m tests.bench.preflight`, two minutes or three for both databases.

A personal text in two languages, caps, quiet hours of the app and of every third person. One line of JSON a
database on standard output; `cpu_seconds` is what one core was busy, `longest_step` the longest wait between two
looks at the progress.
"""

import argparse
import json
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from backend.bootstrap import Core, build
from backend.db import OPERATOR
from backend.migrate import to_head
from backend.services import apps, campaigns, preflight
from backend.services.preflight import Preflight
from tests import factories
from tests.bench.ingest import scratch
from tests.conftest import settings_for
from tests.services.preflight_crowd import crowd

DEVICES = 100_000
CONTENT: dict[str, Any] = {
    "title": "Hi {{ user.name | default('you') }}",
    "body": "Your {{ user.plan | default('free') | upper }} plan ends on {{ user.ends | default('2026-12-01') | date }}.",
    "link": "https://shop.example/plans/{{ user.id | default('') }}",
    "actions": [{"id": "renew", "title": "Renew", "link": "https://shop.example/renew"}],
    "locales": {
        "pl": {"title": "Cześć {{ user.name | default('') }}", "body": "Plan {{ user.plan | upper }} się kończy."}
    },
}


def measure(core: Core, devices: int) -> dict[str, Any]:
    with core.work(OPERATOR) as work:
        app = apps.create_app(work, slug="shop", name="Shop")
    crowd(core, app, devices)
    with core.work(OPERATOR, app.number) as work:
        variants = [{"name": "A", "weight": 1, "content": CONTENT}]
        made = campaigns.create(work, factories.definition(variants=variants)).row.id
    with core.reading(OPERATOR, app.number) as work:
        begun, busy = time.perf_counter(), time.process_time()
        steps = [(step, time.perf_counter()) for step in preflight.steps(work, made)]
        seconds, cpu = time.perf_counter() - begun, time.process_time() - busy
    found = steps[-1][0]
    assert isinstance(found, Preflight)
    waits = [later - earlier for earlier, later in pairwise([begun, *(at for _, at in steps)])]
    told = {"audience": found.audience, "send": found.send, "deferred": found.deferred, "skipped": found.skipped}
    figures = {"seconds": seconds, "cpu_seconds": cpu, "longest_step": max(waits)}
    return {**told, **{name: round(value, 2) for name, value in figures.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=DEVICES)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    asked = parser.parse_args()
    for name in asked.databases:
        with tempfile.TemporaryDirectory() as folder, scratch(name, Path(folder)) as url:
            core = build(settings_for(url, Path(folder)))
            to_head(core.engine)
            print(json.dumps({"database": name, **measure(core, asked.devices)}), flush=True)
            core.close()


if __name__ == "__main__":
    main()
