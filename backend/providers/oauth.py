"""Google's access tokens, fetched by google-auth and kept until five minutes before their end."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from functools import cached_property
from typing import Any

import google.auth.exceptions
import google.auth.transport
import httpx
from google.oauth2 import service_account

from backend.providers.replies import clock_ahead

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
EARLY = 300.0
"""Seconds before its end at which a token is renewed."""
_TIMEOUT = 10.0
_LIFE = 3_600.0
"""Of a token that does not say how long it lives."""


class NoToken(Exception):
    """Google gave no access token; `temporary` when asking again later may help.

    `clock_ahead` is as in `base.Outcome`.
    """

    def __init__(self, reason: str, raw: str, *, temporary: bool, clock_ahead: float = 0.0) -> None:
        super().__init__(raw)
        self.reason, self.raw, self.temporary, self.clock_ahead = reason, raw, temporary, clock_ahead


def _unreachable(why: str) -> google.auth.exceptions.TransportError:
    return google.auth.exceptions.TransportError(why)  # type: ignore[no-untyped-call]


class _Response(google.auth.transport.Response):  # type: ignore[misc,unused-ignore]
    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    @property
    def status(self) -> int:
        return self._response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    @property
    def data(self) -> bytes:
        return self._response.content


class _Request(google.auth.transport.Request):  # type: ignore[misc,unused-ignore]
    """google-auth's view of httpx. `clock_ahead` is what the last answer says of our clock."""

    def __init__(self, client: httpx.Client, clock: Callable[[], float]) -> None:
        self._client, self._clock = client, clock
        self.clock_ahead = 0.0

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> _Response:
        try:
            response = self._client.request(method, url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise _unreachable(f"{type(error).__name__}: {error}") from error
        if response.is_server_error:
            # google-auth would sleep and ask again; whoever waits for the token has a pace of his own.
            raise _unreachable(f"the token service answers {response.status_code}: {response.text[:200]}")
        self.clock_ahead = clock_ahead(response.headers, self._clock())
        return _Response(response)


class AccessTokens:
    """The access token of one service account. Use it in one event loop.

    While a token is good and its end is near, it goes on being used and one task fetches the next. After
    a failure there is one try in `between_tries` seconds, and the others hear of the same failure.
    `proxy` is the URL of an HTTP proxy.
    """

    def __init__(
        self,
        account: Mapping[str, Any],
        ca: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
        between_tries: float = 10.0,
        proxy: str | None = None,
    ) -> None:
        self._clock, self._between_tries = clock, between_tries
        self._service = _TokenService(account, ca, proxy, clock)
        self._token, self._renew_at, self._ends, self._not_before = "", 0.0, 0.0, 0.0
        self._failure: NoToken | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def current(self) -> str:
        """A token that is good now. Raises `NoToken`."""
        now = self._clock()
        if now < self._renew_at:
            return self._token
        if now < self._ends:
            if now >= self._not_before:
                self._fetch_once()
            return self._token
        if self._failure is not None and now < self._not_before:
            raise self._failure
        await asyncio.shield(self._fetch_once())
        if self._failure is not None:
            raise self._failure
        return self._token

    def rest(self) -> float:
        """Seconds until asking again makes sense, where there is neither a good token nor one under way; else 0."""
        now = self._clock()
        if now < self._ends or self._fetching is not None:
            return 0.0
        return max(self._not_before - now, 0.0)

    async def renew(self, refused: str) -> str:
        """Another token than the one that was refused. Raises `NoToken`."""
        if refused == self._token:
            self._renew_at = self._ends = 0.0
        return await self.current()

    async def close(self) -> None:
        """Gives up a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    def _fetch_once(self) -> "asyncio.Task[None]":
        if self._fetching is None:
            self._fetching = asyncio.get_running_loop().create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        try:
            self._token, self._ends = await asyncio.to_thread(self._service.ask)
        except NoToken as error:
            self._failure, self._not_before = error, self._clock() + self._between_tries
        else:
            left = self._ends - self._clock()
            self._renew_at, self._failure = self._ends - min(EARLY, left / 2), None
        finally:
            self._fetching = None


class _TokenService:
    """Google's token endpoint as one account asks it; in a thread, as google-auth is synchronous.

    The key's check and the system's trust roots take a tenth of a second, so they are read once.
    """

    def __init__(
        self, account: Mapping[str, Any], ca: Sequence[str], proxy: str | None, clock: Callable[[], float]
    ) -> None:
        self._account, self._ca, self._proxy, self._clock = dict(account), tuple(ca), proxy, clock

    def ask(self) -> tuple[str, float]:
        """(token, its end in epoch seconds). Raises `NoToken`."""
        try:
            with self._client() as client:
                return self._refresh(_Request(client, self._clock))
        except google.auth.exceptions.TransportError as error:
            raise NoToken("token_unreachable", str(error), temporary=True) from error
        except ValueError as error:
            raise NoToken("bad_service_account", str(error), temporary=False) from error

    def _refresh(self, request: _Request) -> tuple[str, float]:
        credentials = self._credentials
        try:
            credentials.refresh(request)
        except google.auth.exceptions.RefreshError as error:
            said, ahead = str(error.args[0]), request.clock_ahead
            raise NoToken(_reason(error), said, temporary=error.retryable, clock_ahead=ahead) from error
        ends = credentials.expiry
        return str(credentials.token), self._clock() + _LIFE if ends is None else ends.replace(tzinfo=UTC).timestamp()

    def _client(self) -> httpx.Client:
        return httpx.Client(http2=True, verify=self._trust, timeout=_TIMEOUT, trust_env=False, proxy=self._proxy)

    @cached_property
    def _credentials(self) -> Any:
        make = service_account.Credentials.from_service_account_info
        return make(self._account, scopes=[SCOPE])  # type: ignore[no-untyped-call]

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        for pem in self._ca:
            context.load_verify_locations(cadata=pem)
        return context


def _reason(error: google.auth.exceptions.RefreshError) -> str:
    """OAuth's own word (`invalid_grant`), where the answer has one."""
    reply = error.args[1] if len(error.args) > 1 else None
    word = reply.get("error") if isinstance(reply, dict) else None
    return word if isinstance(word, str) else "no_token"
