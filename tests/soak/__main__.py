"""The long form of the trials, with fixed seeds: `make soak`. Each is bounded; the whole takes an hour and a half on two cores."""

import argparse
import logging
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.soak import freeze, kill, measure, trouble
from tests.soak.fleet import DATABASES, installation

SEEDS = (1, 2, 3)
CHOICES = ("retry", "never_twice")
INTERLEAVINGS = 1_000
STOP = 60.0


@dataclass(frozen=True)
class Row:
    """One line of the table: which trial, under what, and how it is told."""

    name: str
    under: str
    run: Callable[[], str]


def trials(seeds: tuple[int, ...], databases: tuple[str, ...]) -> Iterator[Row]:
    """All of them, the short ones first."""
    yield Row("model", f"{INTERLEAVINGS} interleavings", _model)
    for database in databases:
        yield Row("pause, cancel", database, lambda d=database: _halted(d))
        yield Row("database away", database, lambda d=database: _cut_off(d))
        yield Row("rolling SIGTERM", database, lambda d=database: _rolled(d))
        for choice in CHOICES:
            yield Row("SIGSTOP 60 s", f"{database} {choice}", lambda d=database, c=choice: _frozen(d, c))
            for seed in seeds:
                under = f"{database} {choice} seed {seed}"
                yield Row("kill -9", under, lambda d=database, c=choice, s=seed: _killed(d, c, s))
    yield Row("idle", "sqlite", _idle)
    yield Row("memory", "sqlite", _growth)


def _model() -> str:
    from tests.services.test_state_machine import Senders, interleave

    played = interleave(examples=INTERLEAVINGS, steps=50)
    return f"{played} played; " + ", ".join(f"{what}: {times}" for what, times in sorted(Senders.seen.items()))


def _killed(database: str, choice: str, seed: int) -> str:
    with tempfile.TemporaryDirectory() as folder, installation(database, Path(folder)) as core:
        report = kill.killed(core, Path(folder), kill.Trial(on_unknown=choice, seed=seed))
    report.check()
    balance = report.balance
    assert balance is not None
    return (
        f"{len(report.in_flight)} kills with {sum(report.in_flight)} in flight, {balance.doubts} answers lost; "
        f"lost {balance.lost}, repeated {balance.repeats} (at most {report.bound}), other key "
        f"{balance.repeats_other_key}; {_states(balance.states)}; run {report.seconds:.0f} s"
    )


def _rolled(database: str) -> str:
    with tempfile.TemporaryDirectory() as folder, installation(database, Path(folder)) as core:
        report = kill.rolled(core, Path(folder), kill.Trial(kills=0, reset_after_accept=0.0))
    report.check()
    balance = report.balance
    assert balance is not None
    return (
        f"{len(report.drains)} restarts, slowest {max(report.drains):.1f} s; lost {balance.lost}, "
        f"repeated {balance.repeats}; {_states(balance.states)}"
    )


def _frozen(database: str, choice: str) -> str:
    with tempfile.TemporaryDirectory() as folder, installation(database, Path(folder), lease=15.0) as core:
        found = freeze.frozen(core, Path(folder), stop=STOP, devices=6_000, on_unknown=choice)
    found.check()
    return (
        f"{found.in_flight} in flight, taken over after {found.takeover:.1f} s; doubled {found.doubled}, sent after "
        f"waking {found.late}, lost {found.balance.lost}, repeated {found.balance.repeats}"
    )


def _halted(database: str) -> str:
    with tempfile.TemporaryDirectory() as folder, installation(database, Path(folder)) as core:
        found = trouble.halted(core, Path(folder), devices=12_000)
    found.check()
    return "; ".join(f"{halt.verb}: last push after {halt.last:.2f} s, {halt.left} not sent" for halt in found.halts)


def _cut_off(database: str) -> str:
    with tempfile.TemporaryDirectory() as folder, installation(database, Path(folder), lease=20.0) as core:
        cuts = 1 if core.settings.is_sqlite else 6
        found = trouble.cut_off(core, Path(folder), devices=6_000, cuts=cuts)
    found.check()
    return f"{found.cuts} times; lost {found.balance.lost}, repeated {found.balance.repeats}"


def _idle() -> str:
    with tempfile.TemporaryDirectory() as folder, installation("sqlite", Path(folder), lease=15.0) as core:
        found = measure.idle(core, Path(folder))
    found.check()
    return f"server {found.server:.2%}, sender {found.sender:.2%} of a core over {found.seconds:.0f} s"


def _growth() -> str:
    with tempfile.TemporaryDirectory() as folder, installation("sqlite", Path(folder), lease=15.0) as core:
        found = measure.growth(core, Path(folder))
    found.check()
    return f"{found.warm:.0f} MiB, after {found.sends:,} sends {found.after:.0f} MiB; {found.per_second:.0f}/s"


def _states(states: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))


def main() -> int:
    """Runs what was asked for; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("only", nargs="*", help="trials whose name or circumstances contain one of these words")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--database", choices=DATABASES, action="append")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what a trial has started is ended with it
    seeds = tuple(int(seed) for seed in asked.seeds.split(","))
    table, broken, console = Table("trial", "under", "s", "found", show_lines=True), 0, Console()
    for row in trials(seeds, tuple(asked.database or DATABASES)):
        if asked.only and not any(word in f"{row.name} {row.under}" for word in asked.only):
            continue
        begun = time.monotonic()
        try:
            found = row.run()
        except AssertionError as error:
            found, broken = f"[red]BROKEN[/red] {error}"[:2000], broken + 1
        cells = row.name, row.under, f"{time.monotonic() - begun:.0f}", found
        console.print(*cells, sep=" | ")
        table.add_row(*cells)
    console.print(table)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
