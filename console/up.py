"""`tocsin up`: one server process, the senders and, in a demo, the simulator beside it."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from dataclasses import dataclass, replace

import click

from backend import bootstrap, migrate, settings
from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import demo, members
from backend.settings import Settings
from backend.simulator.authority import Authority, Endpoints, NotServing
from console.children import DRAIN, Child, until_parent_ends
from console.logs import setup

DEMO_SLUG = "demo"
DEMO_DEVICES = 2_000
SIMULATOR_START = 20.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What the operator asked for. Port 0 takes a free one."""

    demo: bool
    host: str
    port: int
    workers: int
    exit_with_parent: bool = False


def run(plan: Plan) -> None:
    """Serves until SIGTERM or Ctrl-C, then stops everything in good order; a second signal stops at once."""
    port = plan.port or free_port()
    asyncio.run(_up(replace(plan, port=port)))
    logging.shutdown()
    os._exit(0)  # an open websocket would keep the server's threads, and so the process, alive


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _up(plan: Plan) -> None:
    chosen = settings.load(defaults={"TOCSIN_BASE_URL": f"http://{_shown(plan.host)}:{plan.port}"})
    setup(chosen.log_level, chosen.log_format)
    stop = asyncio.Event()
    _obey_signals(stop)
    parent = asyncio.create_task(until_parent_ends(stop)) if plan.exit_with_parent else None
    children: list[Child] = []
    try:
        if plan.demo:
            chosen = await _with_simulator(chosen, children)
        core = bootstrap.build(chosen)
        await asyncio.to_thread(migrate.to_head, core.engine)
        if plan.demo:
            await asyncio.to_thread(_fill, core)
        children += _senders(plan.workers, chosen)
        await _serve(core, plan, stop)
    finally:
        await asyncio.gather(*(child.stop() for child in children))
        if parent:
            parent.cancel()


def _shown(host: str) -> str:
    """The address that a person on this machine can open."""
    return "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound


def _obey_signals(stop: asyncio.Event) -> None:
    """The first signal asks for an orderly end, the second one ends at once."""
    loop = asyncio.get_running_loop()

    def asked() -> None:
        if stop.is_set():
            os._exit(130)
        click.echo("Stopping; what is on the network is finished first.", err=True)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked)


def _senders(count: int, chosen: Settings) -> list[Child]:
    made = [
        Child(f"sender {number + 1}", ["console.cli", "worker", "--exit-with-parent"], chosen.child_environment())
        for number in range(count)
    ]
    for child in made:
        child.start()
    return made


async def _with_simulator(chosen: Settings, children: list[Child]) -> Settings:
    """Starts the simulator and lets pushes go to it: its hosts are this operator's own choice."""
    directory = str(chosen.simulator_dir)
    arguments = ["backend.simulator", "--port", "0", "--directory", directory, "--base-url", chosen.base_url]
    simulator = Child("simulator", [*arguments, "--exit-with-parent"], chosen.child_environment())
    simulator.start()
    children.append(simulator)
    endpoints = await _simulator_ready(chosen, simulator)
    return replace(chosen, push_hosts=(*chosen.push_hosts, *endpoints.push_hosts))


async def _simulator_ready(chosen: Settings, simulator: Child) -> Endpoints:
    """It announces itself when all its hosts listen; what its predecessor announced does not count."""
    async with asyncio.timeout(SIMULATOR_START):
        while True:
            with contextlib.suppress(NotServing):
                endpoints = Endpoints.read(chosen.simulator_dir)
                if endpoints.pid == simulator.pid:
                    return endpoints
            await asyncio.sleep(0.1)


def _fill(core: Core) -> None:
    with core.work(OPERATOR) as work:
        demo.fill(work, Authority.load_or_create(core.settings.simulator_dir), DEMO_SLUG, DEMO_DEVICES)


async def _serve(core: Core, plan: Plan, stop: asyncio.Event) -> None:
    from console.serve import serve

    serving = asyncio.create_task(serve(core, plan.host, plan.port, on_ready=lambda: _greet(core), stop=stop))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopped], return_when=asyncio.FIRST_COMPLETED)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(serving), DRAIN / 2)
    if serving.done():
        serving.result()


def _greet(core: Core) -> None:
    """Says where the console is and, while nobody can sign in, how to become its owner."""
    with core.work(OPERATOR) as work:
        token = members.setup_token(work)
    base = core.settings.base_url
    click.echo(f"Tocsin is ready on {base}")
    if token:
        click.echo(f"Nobody can sign in yet. Become the owner here, once: {base}/setup?token={token}")
