"""Starting and stopping the simulator as a process."""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from backend.simulator.apns import ApnsSession, ApnsTokens
from backend.simulator.authority import Authority, Endpoints, NotServing
from backend.simulator.behaviour import Behaviour
from backend.simulator.fcm import FcmSession
from backend.simulator.http2 import HOST, OpenSession, tls_context
from backend.simulator.people import Habits, People
from backend.simulator.server import Server
from backend.simulator.session import ControlSession
from backend.simulator.tokens import AccessTokens
from backend.simulator.webpush import VapidTokens, WebPushSession
from backend.simulator.wire import Host, Outage
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
    """Serves until cancelled: each `Host` on a port of its own, from `port` upwards in their order.

    Port 0 takes free ports, those of the last time where they are still free, so that devices registered
    then can still be reached. Receipts go to `base_url`; None: nobody sends any. Writes `endpoints.json` into
    `directory` when it is ready. Raises `OSError` where a port is taken.
    """
    authority = Authority.load_or_create(directory)
    people = People(base_url, habits=habits)
    world = World(authority, people, behaviour)
    servers = _servers(world)
    try:
        endpoints = _announce(authority, await _listen(servers, _wanted(authority, port)))
        _obey(world, servers)
        if on_ready is not None:
            on_ready(endpoints)
        async with asyncio.TaskGroup() as group:
            group.create_task(people.live())
            group.create_task(asyncio.Event().wait())
    finally:
        await asyncio.gather(*(server.stop() for server in servers.values()))
        world.topics.close()


def _servers(world: World) -> dict[Host, Server]:
    certificate = str(world.authority.server_path)
    apple, others = tls_context(certificate, world.authority.push_root), tls_context(certificate, http1=True)
    servers = {}
    for host, open_session in _sessions(world).items():
        apples = host in {Host.APNS, Host.SANDBOX}
        turned_away = partial(world.turn_away, host)
        servers[host] = Server(open_session, apple if apples else others, turned_away, http1=not apples)
    return servers


def _sessions(world: World) -> Mapping[Host, OpenSession]:
    apns, vapid = ApnsTokens(world.authority), VapidTokens()
    access = AccessTokens(world.authority.access_key())
    return {
        Host.APNS: lambda shown: ApnsSession(world, Host.APNS, apns, shown),
        Host.FCM: lambda _: FcmSession(world, access),
        Host.WEBPUSH: lambda _: WebPushSession(world, Host.WEBPUSH, vapid),
        Host.WEBPUSH2: lambda _: WebPushSession(world, Host.WEBPUSH2, vapid),
        Host.SANDBOX: lambda shown: ApnsSession(world, Host.SANDBOX, apns, shown),
        Host.CONTROL: lambda _: ControlSession(world),
    }


def _obey(world: World, servers: Mapping[Host, Server]) -> None:
    """Lets hosts go down and come back as the knobs say."""

    def changed() -> None:
        for host, server in servers.items():
            knobs = world.at[host].knobs
            if host is not Host.CONTROL:
                server.go_down(knobs.down_seconds, Outage(knobs.down_as))

    world.on_change.append(changed)
    changed()


def _wanted(authority: Authority, port: int) -> dict[Host, int]:
    """The ports to try first; negative ones may give way to a free one."""
    if port:
        return {host: port + n for n, host in enumerate(Host)}
    try:
        last = Endpoints.read(authority.directory)
    except NotServing:
        return dict.fromkeys(Host, 0)
    return {host: -int(getattr(last, host).rpartition(":")[2] or 0) for host in Host}


async def _listen(servers: Mapping[Host, Server], wanted: Mapping[Host, int]) -> dict[Host, int]:
    ports = {}
    for host, server in servers.items():
        try:
            ports[host] = await server.start(abs(wanted[host]))
        except OSError:
            if wanted[host] > 0:
                raise
            ports[host] = await server.start(0)
    return ports


def _announce(authority: Authority, ports: Mapping[Host, int]) -> Endpoints:
    urls = {host.value: f"https://{HOST}:{port}" for host, port in ports.items()}
    endpoints = Endpoints(pid=os.getpid(), ca=str(authority.ca_path.resolve()), **urls)
    endpoints.write(authority.directory)
    authority.bind(endpoints)
    return endpoints


async def run(
    directory: Path,
    port: int,
    base_url: str | None,
    behaviour: Behaviour,
    on_ready: Callable[[Endpoints], None],
    *,
    exit_with_parent: bool = False,
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
        await serve(directory, port, base_url, behaviour, on_ready=on_ready)


def _watch_stdin(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[object]") -> None:
    """A killed parent closes our standard input: then nobody needs us any more."""
    # os.read, because a thread inside sys.stdin's lock would keep the interpreter from ending.
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(task.cancel)
