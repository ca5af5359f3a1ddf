"""The page on which people say what they want to hear. Its address is its key: no sign-in, no cookie, no script."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from backend import pages
from backend.api.deps import OPEN, core_of
from backend.domain import quiet
from backend.errors import Gone, Invalid, NotAllowed, TooMuch
from backend.services import preference_page
from backend.services.preference_page import PageView

router = APIRouter(include_in_schema=False, dependencies=[OPEN])
Token = Annotated[str, Path()]
MOST = 65_536
"""Bytes of a form: fifty categories on ten devices."""
FIELDS = 5_000
TURNS = 3
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@router.get("/preferences/{token}")
async def show(request: Request, token: Token, saved: Annotated[str, Query()] = "") -> Response:
    """What the person of the token has said so far."""
    return await _in_turn(request, _looked_at, token, bool(saved))


@router.post("/preferences/{token}")
async def save(request: Request, token: Token) -> Response:
    """Writes what was changed in the form, and shows the page anew."""
    try:
        form = parse_qs((await _body(request)).decode(errors="replace"), keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError as error:
        raise TooMuch from error
    return await _in_turn(request, _saved, token, form)


async def _in_turn(request: Request, answer: Callable[..., Response], *given: Any) -> Response:
    """Answers from a thread, a few at a time: with as many threads as people each waits for all the others, and of 20
    at once the last waited four times as long."""
    state = request.app.state
    if not hasattr(state, "page_turns"):
        state.page_turns = asyncio.Semaphore(TURNS)
    async with state.page_turns:
        return await asyncio.to_thread(answer, request, *given)


def _looked_at(request: Request, token: str, saved: bool) -> Response:
    try:
        return _shown(request, token, saved=saved)
    except (NotAllowed, Gone) as error:
        return _refused(request, error)


def _saved(request: Request, token: str, form: dict[str, list[str]]) -> Response:
    try:
        with core_of(request).work(preference_page.SPEAKER) as work:
            preference_page.save(work, token, form)
    except Invalid:
        return _shown(request, token, problem=True)
    except (NotAllowed, Gone) as error:
        return _refused(request, error)
    return RedirectResponse(f"{request.url.path}?saved=1", 303, HEADERS)


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST:
            raise TooMuch
    return body


def _shown(request: Request, token: str, *, saved: bool = False, problem: bool = False) -> Response:
    with core_of(request).reading(preference_page.SPEAKER) as work:
        view = preference_page.view(work, token)
    spoken = pages.language([*view.languages, *_accepted(request), view.default_language])
    return _answer(
        422 if problem else 200, "preferences.html", spoken, color=view.color, view=view, action=request.url.path,
        names=_names(view, pages.words()[spoken]), usual=_usual(view, pages.words()[spoken]), weekdays=quiet.WEEKDAYS,
        saved=saved, problem=problem,
    )  # fmt: skip


def _refused(request: Request, error: NotAllowed | Gone) -> Response:
    reason = "over" if isinstance(error, Gone) else "refused"
    return _answer(error.status, "refused.html", pages.language(_accepted(request)), reason=reason)


def _answer(status: int, page: str, spoken: str, **values: Any) -> Response:
    nonce = secrets.token_urlsafe(16)
    confined = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    html = pages.page(page, spoken, nonce=nonce, **values)
    return HTMLResponse(html, status, {**HEADERS, "Content-Security-Policy": confined, "Content-Language": spoken})


def _accepted(request: Request) -> list[str]:
    return pages.accepted(request.headers.get("accept-language", ""))


def _names(view: PageView, words: pages.Words) -> dict[str, str]:
    """What each device is called; those of the same name are numbered."""
    plain = {one.id: one.model or words[one.platform] for one in view.devices}
    often, seen = Counter(plain.values()), Counter[str]()
    return {one.id: _numbered(plain[one.id], often, seen) for one in view.devices}


def _numbered(name: str, often: Counter[str], seen: Counter[str]) -> str:
    seen[name] += 1
    return f"{name} · {seen[name]}" if often[name] > 1 else name


def _usual(view: PageView, words: pages.Words) -> str:
    """The app's windows in a few words."""
    windows = []
    for one in view.quiet.usual:
        days = " ".join(words[day] for day in one.get("days") or ())
        windows.append(f"{days} {one['start']}–{one['end']}".strip())
    return ", ".join(windows)
