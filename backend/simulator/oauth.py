"""Google's token endpoint for service accounts: a signed assertion in, an access token out (RFC 7523)."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

import orjson

from backend.simulator.authority import Authority
from backend.simulator.behaviour import OAUTH
from backend.simulator.conditions import Conditions
from backend.simulator.push import Refused
from backend.simulator.tokens import AccessTokens, BadToken, read_claims, read_header, seconds
from backend.simulator.wire import Host, Reply, Request
from backend.simulator.world import World

SCOPES = frozenset(
    {"https://www.googleapis.com/auth/firebase.messaging", "https://www.googleapis.com/auth/cloud-platform"}
)
PATH = "/token"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_GOOGLE = "https://oauth2.googleapis.com/token"
"""google-auth writes this audience whatever the key file's `token_uri` says, and Google takes it anywhere."""
_LONGEST = 3600
_CLOCK_SKEW = 300
_WINDOW = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


def answer(world: World, tokens: AccessTokens, request: Request) -> Reply:
    """The reply to anything sent to `/token`."""
    here = world.at[Host.FCM]
    try:
        here.draw_fault(OAUTH)
        scope = _scope(world.authority, request, here.now())
    except Refused as refused:
        world.refuse(OAUTH, refused)
        return _refusal(refused, here)
    lifetime = here.knobs.access_token_seconds
    token = tokens.make(scope, here.now() + lifetime)
    world.ledger.tokens[OAUTH] += 1
    announced = here.knobs.access_token_announced or lifetime
    return _json(200, {"access_token": token, "expires_in": announced, "token_type": "Bearer"})


def _scope(authority: Authority, request: Request, now: float) -> str:
    """The scope that a good request asks for. Raises `Refused`."""
    if request.method != "POST":
        raise Refused(405, "invalid_request", "use POST")
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/x-www-form-urlencoded":
        raise Refused(400, "invalid_request", f"content type {kind}")
    form = dict(parse_qsl(request.body.decode("latin-1")))
    if form.get("grant_type") != _GRANT:
        raise Refused(400, "unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
    try:
        return _read(authority, form.get("assertion", ""), now)
    except BadToken as error:
        raise Refused(400, "invalid_grant", f"Invalid JWT: {error}") from error


def _read(authority: Authority, assertion: str, now: float) -> str:
    header = read_header(assertion, "RS256")
    if header.get("kid", authority.private_key_id) != authority.private_key_id:
        raise BadToken("unknown key id")
    try:
        claims = read_claims(assertion, authority.service_account_public_key, "RS256")
    except BadToken as error:
        raise Refused(400, "invalid_grant", "Invalid JWT Signature.") from error
    if claims.get("iss") != authority.client_email:
        raise Refused(400, "invalid_grant", "Invalid grant: account not found")
    if claims.get("aud") not in {authority.service_account()["token_uri"], _GOOGLE}:
        raise Refused(400, "invalid_grant", "Invalid JWT: Failed audience check.")
    issued, expires = seconds(claims, "iat"), seconds(claims, "exp")
    if not (issued <= now + _CLOCK_SKEW and now < expires <= issued + _LONGEST):
        raise Refused(400, "invalid_grant", _WINDOW)
    scope = claims.get("scope")
    if not isinstance(scope, str) or not scope:
        raise Refused(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    return scope


def _refusal(refused: Refused, here: Conditions) -> Reply:
    wait = () if refused.retry_after is None else (here.retry_after(refused.retry_after),)
    reason = "internal_failure" if refused.reason.isdecimal() else refused.reason
    body = {"error": reason, "error_description": refused.detail}
    return _json(refused.status, body, *wait)


def _json(status: int, body: Mapping[str, object], *headers: tuple[str, str]) -> Reply:
    fields = (("content-type", "application/json; charset=utf-8"), ("cache-control", "no-store"), *headers)
    return Reply(status, orjson.dumps(body), fields)
