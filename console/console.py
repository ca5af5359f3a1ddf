"""The ASGI application: pages, API and scheduler in one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import reflex as rx
from granian.utils.proxies import wrap_asgi_with_proxy_headers
from reflex_base.constants import Env
from reflex_base.environment import environment

from backend import scheduler
from backend.api import create_api
from backend.api.groups import close_groups
from console import pages, shell
from console.asgi import body_limit, security_headers
from console.components.charts import warm_up
from console.core import core
from console.states.errors import explain

api = create_api(core())

# The API's own routes win and everything else falls through to the pages; the wrappers go around both.
app = rx.App(
    stylesheets=[
        "/styles.css",
        "/preview.css",
        "/inspect.css",
        "/compose.css",
        "/preflight.css",
        "/composer.css",
        "/trial.css",
        "/templates.css",
        "/people.css",
        "/channels.css",
        "/segments.css",
        "/imports.css",
        "/policies.css",
        "/calendar.css",
    ],
    head_components=[
        rx.el.script(src="/console.js", defer=True),
        rx.el.script(src="/focus.js", defer=True),
        rx.el.script(src="/compose.js", defer=True),
        rx.el.script(src="/keep.js", defer=True),
        rx.el.script(src="/fill.js", defer=True),
        rx.el.script(src="/imports.js", defer=True),
        rx.el.link(rel="icon", href="/icon.svg", type="image/svg+xml"),
    ],
    html_lang="en",
    api_transformer=[api, body_limit, security_headers, wrap_asgi_with_proxy_headers],
    backend_exception_handler=explain,
)


@contextlib.asynccontextmanager
async def _ticking() -> AsyncIterator[None]:
    warming = asyncio.create_task(asyncio.to_thread(warm_up))
    async with scheduler.running(core()):
        yield
    close_groups(api)
    await warming


app.register_lifespan_task(_ticking)
shell.add_pages(app)

# None holds the websocket to its own origin; Reflex itself would let every site connect. While developing,
# pages and websocket have two origins.
app.sio.eio.cors_allowed_origins = "*" if environment.REFLEX_ENV_MODE.get() == Env.DEV else None

__all__ = ["app", "pages"]
