"""Google's access tokens, fetched by google-auth and kept until five minutes before their end."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any

import google.auth.exceptions
import google.auth.transport
import httpx
from google.oauth2 import service_account

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
EARLY = 300.0
"""Seconds before its end at which a token is renewed."""
_TIMEOUT = 10.0


class NoToken(Exception):
    """Google gave no access token; `temporary` when asking again later may help."""

    def __init__(self, reason: str, raw: str, *, temporary: bool) -> None:
        super().__init__(raw)
        self.reason, self.raw, self.temporary = reason, raw, temporary


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
    """google-auth's view of httpx."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

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
            return _Response(self._client.request(method, url, content=body, headers=headers))
        except httpx.HTTPError as error:
            raise _unreachable(f"{type(error).__name__}: {error}") from error


class AccessTokens:
    """The access token of one service account. Use it in one event loop.

    While a token is good and its end is near, it goes on being used and one task fetches the next. After
    a failure there is one try in `between_tries` seconds, and the others hear of the same failure.
    """

    def __init__(
        self,
        account: Mapping[str, Any],
        ca: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
        between_tries: float = 10.0,
    ) -> None:
        self._account, self._ca, self._clock = dict(account), tuple(ca), clock
        self._between_tries = between_tries
        self._token, self._ends, self._not_before = "", 0.0, 0.0
        self._failure: NoToken | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def current(self) -> str:
        """A token that is good now. Raises `NoToken`."""
        now = self._clock()
        if self._ends - now > EARLY:
            return self._token
        if self._ends > now:
            if now >= self._not_before:
                self._fetch_once()
            return self._token
        if self._failure is not None and now < self._not_before:
            raise self._failure
        await asyncio.shield(self._fetch_once())
        if self._failure is not None:
            raise self._failure
        return self._token

    async def renew(self, refused: str) -> str:
        """Another token than the one that was refused. Raises `NoToken`."""
        if refused == self._token:
            self._ends = 0.0
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
            self._token, self._ends = await asyncio.to_thread(_ask, self._account, self._ca)
            self._failure = None
        except NoToken as error:
            self._failure, self._not_before = error, self._clock() + self._between_tries
        finally:
            self._fetching = None


def _ask(account: Mapping[str, Any], ca: Sequence[str]) -> tuple[str, float]:
    """(token, its end in epoch seconds), in a thread: google-auth is synchronous. Raises `NoToken`."""
    context = ssl.create_default_context()
    for pem in ca:
        context.load_verify_locations(cadata=pem)
    try:
        make = service_account.Credentials.from_service_account_info
        credentials = make(account, scopes=[SCOPE])  # type: ignore[no-untyped-call]
        with httpx.Client(http2=True, verify=context, timeout=_TIMEOUT, trust_env=False) as client:
            credentials.refresh(_Request(client))
    except google.auth.exceptions.RefreshError as error:
        raise NoToken(_reason(error), str(error), temporary=error.retryable) from error
    except google.auth.exceptions.TransportError as error:
        raise NoToken("token_unreachable", str(error), temporary=True) from error
    except ValueError as error:
        raise NoToken("bad_service_account", str(error), temporary=False) from error
    return str(credentials.token), credentials.expiry.replace(tzinfo=UTC).timestamp()


def _reason(error: google.auth.exceptions.RefreshError) -> str:
    """OAuth's own word (`invalid_grant`), where the answer has one."""
    reply = error.args[1] if len(error.args) > 1 else None
    word = reply.get("error") if isinstance(reply, dict) else None
    return word if isinstance(word, str) else "no_token"
