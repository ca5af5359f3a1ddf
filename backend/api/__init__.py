"""The face for programs: REST under `/api/v1`, the console's doors under `/auth`, health and metrics."""

from importlib.metadata import version

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from backend.api import (
    admin,
    approvals,
    auth,
    blocks,
    calendar,
    catalogue,
    categories,
    channels,
    consents,
    docs,
    entries,
    exports,
    files,
    health,
    imports,
    ingest,
    lanes,
    languages,
    lists,
    people,
    pictures,
    policies,
    preference_page,
    preferences,
    previews,
    problems,
    runs,
    schedules,
    segments,
    server,
    stats,
    templates,
    testers,
    topics,
    verdicts,
)
from backend.api.bodies import storable
from backend.api.cors import CorsByApp
from backend.api.deps import OPEN
from backend.api.metrics import Measured, Metrics
from backend.bootstrap import Core

PREFIX = "/api/v1"
DESCRIPTION = """
Push notifications that your team sends itself. Send `Authorization: Bearer KEY`; a key is of one of three kinds:
`client` (in apps and pages: registers a device and speaks for it), `server` (acts in one app) and `admin`
(also manages apps, credentials, members and keys).

JSON in and out; times are RFC 3339 with an offset. Lists are `{"items": […], "next": cursor or null}` and take
`?limit=` and `?cursor=`. Refusals are problem JSON (RFC 9457) that names the wrong fields.
"""
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
TAGS = [
    {"name": "Ingest", "description": "From apps, pages and back ends: a client or a server key."},
    {"name": "Server", "description": "From your own back end: a server or an admin key."},
    {"name": "Admin", "description": "For whoever runs the installation: an admin key."},
    {"name": "Health", "description": "For whoever watches over it."},
]


def create_api(core: Core) -> FastAPI:
    """The ASGI application of everything that is not a page. `app.state.core` is the core it was given."""
    api = FastAPI(
        title="Tocsin",
        version=version("tocsin"),
        description=DESCRIPTION,
        openapi_url=None,
        openapi_tags=TAGS,
        redirect_slashes=False,
    )
    api.state.core = core

    def current() -> Core:
        held: Core = api.state.core
        return held

    api.state.metrics = Metrics(current)
    for router in versioned():
        api.include_router(
            router,
            prefix=PREFIX,
            dependencies=[Depends(storable)],
            responses=problems.DOCUMENTED,
        )
    # Its body is a file of any size: nothing may read it before it lies on the disk.
    api.include_router(imports.upload, prefix=PREFIX, responses=problems.DOCUMENTED)
    for router in (health.router, auth.router, files.router, pictures.shelf, docs.router, preference_page.router):
        api.include_router(router)
    api.include_router(health.router, prefix=PREFIX, include_in_schema=False)
    api.add_api_route("/api/{path:path}", _nowhere, methods=METHODS, include_in_schema=False, dependencies=[OPEN])
    problems.install(api)
    api.add_middleware(CorsByApp, core=current)
    api.add_middleware(Measured, metrics=api.state.metrics)
    return api


def versioned() -> list[APIRouter]:
    """The routers under `/api/v1`, in the order of the documentation."""
    routers = (
        ingest,
        catalogue,
        preferences,
        consents,
        exports,
        people,
        lists,
        imports,
        topics,
        segments,
        templates,
        blocks,
        pictures,
        server,
        previews,
        languages,
        testers,
        approvals,
        schedules,
        runs,
        entries,
        verdicts,
        calendar,
        stats,
        channels,
        admin,
        categories,
        policies,
        lanes,
    )
    return [module.router for module in routers]


def _nowhere(request: Request) -> None:
    """Everything else under `/api`: 405 where another method would do, else 404; JSON in both cases."""
    allowed = _methods(request)
    if allowed:
        raise HTTPException(405, f"This takes {', '.join(allowed)}.", {"Allow": ", ".join(allowed)})
    raise HTTPException(404, "There is nothing under this address.")


def _methods(request: Request) -> list[str]:
    """The methods that some route takes at this path."""
    path, found = request.scope["path"], set[str]()
    for route in iter_route_contexts(request.app.routes):
        if (
            route.endpoint is not _nowhere
            and route.path
            and route.path.startswith("/api")
            and route.path_regex.match(path)
        ):
            found |= route.methods or set()
    return sorted(found)
