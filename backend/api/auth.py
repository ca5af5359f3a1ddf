"""The console's doors: plain form posts, because only a response can set a cookie that scripts cannot read.

Refusals go back to the page with `?problem=` and one of the words of `SignInProblem` or `SetupProblem`.
"""

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from backend.api.deps import OPEN, core_of
from backend.db import Actor
from backend.errors import Conflict, Invalid, NotAllowed, NotAuthenticated, TooManyRequests
from backend.services import members

router = APIRouter(prefix="/auth", tags=["Console"], dependencies=[OPEN], include_in_schema=False)
Field = Annotated[str, Form(max_length=1000)]
LOGIN, SETUP, HOME = "/login", "/setup", "/"
SEE_OTHER = 303
COOKIE_DAYS = 400
"""As long as browsers keep a cookie: the session itself ends 30 days after its last use."""


class SignInProblem(StrEnum):
    """Why somebody was not signed in."""

    REFUSED = "refused"
    WAIT = "wait"
    ORIGIN = "origin"


class SetupProblem(StrEnum):
    """Why somebody could not sign up."""

    LINK = "link"
    NAME = "name"
    EMAIL = "email"
    PASSWORD = "password"  # noqa: S105 - the name of a field
    TAKEN = "taken"
    WAIT = "wait"
    ORIGIN = "origin"


@router.post("/login")
def login(request: Request, email: Field = "", password: Field = "", next: Field = "") -> Response:  # noqa: A002
    """Checks e-mail and password; answers with the session's cookie and the way to the page asked for."""
    kept = {"next": next, "email": email}
    if is_cross_site(request):
        return _back(LOGIN, SignInProblem.ORIGIN, {})
    try:
        with core_of(request).work(_visitor(request)) as work:
            token = members.sign_in(work, email, password, _agent(request))
    except NotAuthenticated:
        return _back(LOGIN, SignInProblem.REFUSED, kept)
    except TooManyRequests as error:
        answer = _back(LOGIN, SignInProblem.WAIT, kept)
        answer.headers["Retry-After"] = str(error.retry_after)
        return answer
    return _enter(request, token, next)


@router.post("/setup")
def setup(request: Request, token: Field = "", email: Field = "", name: Field = "", password: Field = "") -> Response:
    """Uses a one-time link up and signs the new member in."""
    kept = {"token": token}
    if is_cross_site(request):
        return _back(SETUP, SetupProblem.ORIGIN, {})
    try:
        with core_of(request).work(_visitor(request)) as work:
            session = members.accept_invitation(
                work, token, email=email, name=name, password=password, user_agent=_agent(request)
            )
    except (Invalid, NotAllowed, Conflict, TooManyRequests) as error:
        return _back(SETUP, _setup_problem(error), kept)
    return _enter(request, session, HOME)


@router.post("/logout")
def logout(request: Request) -> Response:
    """Ends the session that the cookie names, here and in the database."""
    token = request.cookies.get(members.COOKIE)
    if token and not is_cross_site(request):
        with core_of(request).work(_visitor(request)) as work:
            members.sign_out(work, token)
    answer = RedirectResponse(LOGIN, SEE_OTHER)
    if not is_cross_site(request):
        answer.delete_cookie(members.COOKIE, path="/")
    return answer


def is_cross_site(request: Request) -> bool:
    """Whether a page of another site sent this form; browsers say so, other programs have no cookies to steal."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}
    return origin != core_of(request).settings.base_url and urlsplit(origin).netloc != request.headers.get("host")


def inside(target: str) -> str:
    """The page to go on to if it is a path of ours, else home: never another site."""
    plain = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if plain and target.isprintable() and not urlsplit(target).netloc else HOME


def _visitor(request: Request) -> Actor:
    """Failed sign-ins are counted by the address they come from."""
    return Actor("visitor", label=request.client.host if request.client else "")


def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")


def _setup_problem(error: Exception) -> SetupProblem:
    match error:
        case Invalid():
            return SetupProblem(error.errors[0].field)
        case Conflict():
            return SetupProblem.TAKEN
        case TooManyRequests():
            return SetupProblem.WAIT
    return SetupProblem.LINK


def _enter(request: Request, token: str, target: str) -> Response:
    answer = RedirectResponse(inside(target), SEE_OTHER)
    secure = core_of(request).settings.base_url.startswith("https://") or request.url.scheme == "https"
    answer.set_cookie(
        members.COOKIE,
        token,
        max_age=COOKIE_DAYS * 86400,
        path="/",
        httponly=True,
        samesite="lax",
        secure=secure,
    )
    return answer


def _back(page: str, problem: StrEnum, kept: dict[str, str]) -> Response:
    query = {"problem": str(problem), **{name: value for name, value in kept.items() if value}}
    return RedirectResponse(f"{page}?{urlencode(query)}", SEE_OTHER)
