"""Who calls: every route names one of these guards, and a test refuses a route that names none.

A route takes the caller and opens its own unit of work:

    def create(caller: ServerCaller, body: SegmentIn) -> SegmentOut:
        with caller.core.work(caller.actor, caller.app_id) as work:
            return ...
"""

from dataclasses import dataclass, replace
from typing import Annotated, Final

from fastapi import Depends, Header, Request
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from backend.api.cors import allows
from backend.api.groups import key_desk
from backend.bootstrap import Core
from backend.db import Actor
from backend.domain.vocabulary import Scope
from backend.errors import NotAllowed, NotAuthenticated
from backend.services import apps, ids
from backend.services.keys import KeyHolder

VISITOR: Final = Actor("visitor")
SCOPES: Final = list(Scope)
_bearer = HTTPBearer(
    auto_error=False, scheme_name="key", description="An API key: `tk_client_…`, `tk_server_…` or `tk_admin_…`."
)
Presented = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
DeviceHeader = Annotated[
    str | None, Header(alias="Tocsin-Device", max_length=200, description="`ID.SECRET` of the device that speaks.")
]
UserHeader = Annotated[
    str | None,
    Header(alias="Tocsin-User", max_length=4000, description="A JWT by which the app's back end proves the user."),
]


@dataclass(frozen=True, slots=True)
class Caller:
    """A program with a key in force. `app_id` is the number of the app that it acts in.

    The two headers are as sent, unproven; only client keys have them.
    """

    core: Core
    key_id: int
    app_id: int
    scope: Scope
    actor: Actor
    device_header: str | None = None
    user_header: str | None = None


def core_of(request: HTTPConnection) -> Core:
    """The installation that this API speaks for."""
    core: Core = request.app.state.core
    return core


async def client_caller(
    request: Request, presented: Presented, device: DeviceHeader = None, user: UserHeader = None
) -> Caller:
    """Any key; a client key only from an origin that its app allows."""
    holder = await _holder(request, presented, Scope.CLIENT)
    if holder.scope is not Scope.CLIENT:
        return _caller(request, holder)
    _check_origin(request, holder)
    return _caller(request, holder, device, user)


async def server_caller(request: Request, presented: Presented) -> Caller:
    """A server or an admin key: it acts in its own app."""
    return _caller(request, await _holder(request, presented, Scope.SERVER))


async def admin_caller(request: Request, presented: Presented) -> Caller:
    """An admin key, which is the installation's: it may act in any app (`acting_in`)."""
    return _caller(request, await _holder(request, presented, Scope.ADMIN))


async def open_to_all() -> None:
    """For routes that need no key: they say so, and what proves the call instead."""


ClientCaller = Annotated[Caller, Depends(client_caller)]
ServerCaller = Annotated[Caller, Depends(server_caller)]
AdminCaller = Annotated[Caller, Depends(admin_caller)]
OPEN: Final = Depends(open_to_all)
MARKS: Final = {client_caller: "client", server_caller: "server", admin_caller: "admin", open_to_all: "open"}


def marks(dependant: Dependant) -> set[str]:
    """The authorisation marks of a route, found in its own and its dependencies' dependencies."""
    own = {MARKS[dependant.call]} if dependant.call in MARKS else set()
    return own.union(*(marks(inner) for inner in dependant.dependencies))


def acting_in(caller: Caller, app_id: str) -> Caller:
    """The same caller in another app. Raises `NotFound` for an app that does not exist."""
    with caller.core.reading(caller.actor) as work:
        number = apps.get_app(work, ids.number(work, ids.APP, app_id)).number
    return replace(caller, app_id=number)


async def _holder(request: Request, presented: HTTPAuthorizationCredentials | None, least: Scope) -> KeyHolder:
    if presented is None:
        raise NotAuthenticated("Send an API key: `Authorization: Bearer KEY`.")
    holder = await key_desk(request.app).holder(presented.credentials)
    if holder is None:
        raise NotAuthenticated("This API key is not known, or it has been revoked.")
    if SCOPES.index(holder.scope) < SCOPES.index(least):
        raise NotAllowed(f"This takes keys of scope {least}; the one sent has scope {holder.scope}.")
    return holder


def _caller(request: Request, holder: KeyHolder, device: str | None = None, user: str | None = None) -> Caller:
    actor = Actor("key", holder.key_id, holder.label)
    return Caller(core_of(request), holder.key_id, holder.app_id, holder.scope, actor, device, user)


def _check_origin(request: Request, holder: KeyHolder) -> None:
    """Only browsers send `Origin`; an app on a phone has none."""
    origin = request.headers.get("origin")
    if origin and origin != core_of(request).settings.base_url and not allows(holder.allowed_origins, origin):
        raise NotAllowed(f"This app does not allow calls from {origin[:200]}; add it to its allowed origins.")
