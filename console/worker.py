"""A sender process."""

import asyncio
import logging
import os
import signal
import socket

from backend.bootstrap import Core
from backend.db import Actor
from backend.dispatch import LeaseQueue
from backend.services import processes
from backend.services.sender import Sender
from backend.services.topic_changes import TopicChanges
from console.children import until_parent_ends
from console.garbage import collect_seldom
from console.logs import setup

MAY_REST = 2.0
"""Seconds after which the sender asks a database connection whether it is still there."""


async def run(core: Core, *, exit_with_parent: bool = False) -> None:
    """Sends until SIGTERM (or, alone, Ctrl-C), then drains: nothing in flight is lost or repeated."""
    collect_seldom()
    setup(core.settings.log_level, core.settings.log_format)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    name = f"sender {socket.gethostname()} {os.getpid()}"
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    watching = None
    if exit_with_parent:
        loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C reaches the whole group; the parent decides
        watching = asyncio.create_task(until_parent_ends(stop))
    else:
        loop.add_signal_handler(signal.SIGINT, stop.set)
    sender = Sender(core, LeaseQueue(core), name)
    await asyncio.gather(sender.run(stop), TopicChanges(core, sender.lanes).run(stop))
    if watching:
        watching.cancel()
    with core.work(Actor("worker")) as work:
        processes.leave(work, name)
    core.close()
