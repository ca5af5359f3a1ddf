"""Starting and stopping the simulator as a process."""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import orjson

from backend.simulator.apns import ApnsSession, ApnsTokens
from backend.simulator.authority import Authority, Endpoints, NotServing
from backend.simulator.behaviour import Behaviour
from backend.simulator.fcm import FcmSession
from backend.simulator.http2 import HOST, Server, tls_context
from backend.simulator.people import Habits, People
from backend.simulator.tokens import AccessTokens
from backend.simulator.webpush import VapidTokens, WebPushSession
from backend.simulator.world import World


async def serve(
    directory: Path,
    port: int,
    base_url: str | None,
    behaviour: Behaviour | None = None,
    *,
    on_ready: Callable[[Endpoints], None] | None = None,
    habits: Habits | None = None,
) -> None:
    """Serves until cancelled: APNs on `port`, FCM with OAuth on `port + 1`, Web Push on `port + 2`.

    Port 0 takes free ports, those of the last time where they are still free, so that devices registered
    then can still be reached. Receipts go to `base_url`; None: nobody sends any. Writes `endpoints.json` into
    `directory` when it is ready. Raises `OSError` where a port is taken.
    """
    authority = Authority.load_or_create(directory)
    people = People(base_url, habits=habits)
    world = World(authority, people, behaviour)
    servers = _servers(world)
    try:
        ports = await _listen(servers, _wanted(authority, port))
        endpoints = _announce(authority, ports)
        if on_ready is not None:
            on_ready(endpoints)
        async with asyncio.TaskGroup() as group:
            group.create_task(people.live())
            group.create_task(asyncio.Event().wait())
    finally:
        await asyncio.gather(*(server.stop() for server in servers))


def _servers(world: World) -> tuple[Server, Server, Server]:
    context = tls_context(str(world.authority.server_path))
    apns, vapid = ApnsTokens(world.authority), VapidTokens()
    access = AccessTokens(world.authority.access_key())
    return (
        Server(lambda: ApnsSession(world, apns), context),
        Server(lambda: FcmSession(world, access), context),
        Server(lambda: WebPushSession(world, vapid), context),
    )


def _wanted(authority: Authority, port: int) -> list[int]:
    """The ports to try first; negative ones may give way to a free one."""
    if port:
        return [port, port + 1, port + 2]
    try:
        last = Endpoints.read(authority.directory)
    except NotServing:
        return [0, 0, 0]
    return [-int(url.rpartition(":")[2]) for url in (last.apns, last.fcm, last.webpush)]


async def _listen(servers: Sequence[Server], wanted: Sequence[int]) -> list[int]:
    ports = []
    for server, port in zip(servers, wanted, strict=True):
        try:
            ports.append(await server.start(abs(port)))
        except OSError:
            if port > 0:
                raise
            ports.append(await server.start(0))
    return ports


def _announce(authority: Authority, ports: Sequence[int]) -> Endpoints:
    apns, fcm, webpush = (f"https://{HOST}:{port}" for port in ports)
    endpoints = Endpoints(apns, fcm, webpush, os.getpid(), str(authority.ca_path.resolve()))
    endpoints.write(authority.directory)
    authority.bind(endpoints)
    return endpoints


async def run(
    directory: Path, port: int, base_url: str | None, behaviour: Behaviour, *, exit_with_parent: bool = False
) -> None:
    """`serve` until SIGTERM, SIGINT or, where asked, the end of standard input."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    if exit_with_parent:
        threading.Thread(target=_watch_stdin, args=(loop, task), daemon=True).start()
    with contextlib.suppress(asyncio.CancelledError):
        await serve(directory, port, base_url, behaviour, on_ready=_say)


def _watch_stdin(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[object]") -> None:
    """A killed parent closes our standard input: then nobody needs us any more."""
    # os.read, because a thread inside sys.stdin's lock would keep the interpreter from ending.
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(task.cancel)


def _say(endpoints: Endpoints) -> None:
    click.echo(f"APNs {endpoints.apns}  FCM {endpoints.fcm}  Web Push {endpoints.webpush}")


def _behaviour(context: click.Context, parameter: click.Parameter, value: str | None) -> Behaviour:
    try:
        return Behaviour.parse(orjson.loads(value) if value else {})
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@click.option("--port", default=8440, show_default=True, help="APNs; FCM and Web Push take the next two. 0: any free.")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data/simulator"),
    show_default=True,
    help="Where keys, certificates and endpoints.json live.",
)
@click.option("--base-url", default=None, help="Tocsin's address, where people's apps send receipts. None: they don't.")
@click.option("--behaviour", callback=_behaviour, default=None, help='Faults as JSON, e.g. {"latency_ms": 50}.')
@click.option("--latency-ms", type=float, default=None, help="Each answer waits so long.")
@click.option("--goaway-every", type=int, default=None, help="Retire each connection after so many requests.")
@click.option("--refuse", type=float, default=None, help="Share of requests refused before they are looked at.")
@click.option("--reset-after-accept", type=float, default=None, help="Share accepted, then reset.")
@click.option("--exit-with-parent", is_flag=True, help="End when standard input ends.")
def command(
    port: int,
    directory: Path,
    base_url: str | None,
    behaviour: Behaviour,
    exit_with_parent: bool,
    **knobs: float | None,
) -> None:
    """APNs, FCM and Web Push as strict servers on loopback."""
    given = {name: value for name, value in knobs.items() if value is not None}
    try:
        chosen = Behaviour.parse(behaviour.knobs() | given)
        asyncio.run(run(directory, port, base_url, chosen, exit_with_parent=exit_with_parent))
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error


def main(argv: Sequence[str] | None = None) -> None:
    """The command line; exits with 0 after a clean end, 1 with a reason, 2 on wrong usage."""
    command.main(None if argv is None else list(argv), prog_name="tocsin simulator")
