"""For whoever watches over Tocsin: is it alive, can it serve, how is it doing."""

import hmac
from ipaddress import ip_address

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, PlainTextResponse, Response

from backend.api.deps import OPEN, core_of
from backend.errors import NotAuthenticated
from backend.services import installation

router = APIRouter(tags=["Health"], dependencies=[OPEN])
EXPOSITION = "text/plain; version=1.0.0; charset=utf-8"
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")


class Health(BaseModel):
    """How it stands; `problem` says what is missing."""

    status: str
    problem: str | None = None


@router.get("/health/live")
async def live() -> Health:
    """200 as long as the process answers."""
    return Health(status="live")


@router.get("/health/ready", responses={503: {"model": Health}})
def ready(request: Request) -> Response:
    """200 when the database answers and has this version's schema, else 503."""
    problem = installation.problem(core_of(request))
    body = Health(status="not ready" if problem else "ready", problem=problem)
    return JSONResponse(body.model_dump(), 503 if problem else 200)


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """Prometheus figures, with `TOCSIN_METRICS_TOKEN` as bearer token or from loopback."""
    if not _may_scrape(request):
        raise NotAuthenticated("Send the metrics token: `Authorization: Bearer TOKEN`.")
    return Response(request.app.state.metrics.text(), media_type=EXPOSITION)


def _may_scrape(request: Request) -> bool:
    token = core_of(request).settings.metrics_token
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    if token and scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), token.encode()):
        return True
    return _is_loopback(request)


def _is_loopback(request: Request) -> bool:
    """A proxy on this machine makes everybody look local, so what was forwarded never counts."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
