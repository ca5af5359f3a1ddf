"""The provider simulator of this installation, as the console reaches it: its control routes over HTTP/2."""

import contextlib
import os
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from backend.errors import TocsinError
from backend.simulator.authority import Endpoints, NotServing
from console.core import core

TIMEOUT = 5.0


class NoSimulator(TocsinError):
    """The simulator does not answer."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a simulator says of itself: see `backend.simulator.control.ROUTES`."""

    stats: Mapping[str, Any]
    behaviour: Mapping[str, Any]
    refusals: Sequence[Mapping[str, Any]]


def found() -> Endpoints | None:
    """Where it serves; None where none has started here, or its process has gone."""
    with contextlib.suppress(NotServing, OSError):
        endpoints = Endpoints.read(core().settings.simulator_dir)
        os.kill(endpoints.pid, 0)
        return endpoints if endpoints.control else None
    return None


def look() -> Seen:
    """Raises `NoSimulator`."""
    with _Control() as control:
        return Seen(control.get("stats"), control.get("behaviour"), control.get("refusals"))


def behave(knobs: Mapping[str, Any]) -> None:
    """Sets all knobs; those not named go back. Raises `NoSimulator`."""
    with _Control() as control:
        control.post("behaviour", knobs)


def forget() -> None:
    """Begins to count anew. Raises `NoSimulator`."""
    with _Control() as control:
        control.post("reset", None)


class _Control:
    """One connection to the control host."""

    def __enter__(self) -> "_Control":
        endpoints = found()
        if endpoints is None:
            raise NoSimulator
        trust = ssl.create_default_context(cafile=endpoints.ca)
        self._client = httpx.Client(
            base_url=f"{endpoints.control}/simulator/", http2=True, verify=trust, timeout=TIMEOUT, trust_env=False
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, route: str) -> Any:
        return self._call("GET", route, None)

    def post(self, route: str, body: Any) -> Any:
        return self._call("POST", route, body)

    def _call(self, method: str, route: str, body: Any) -> Any:
        try:
            return self._client.request(method, route, json=body).raise_for_status().json()
        except httpx.HTTPError as error:
            raise NoSimulator(f"The simulator does not answer: {error}.") from error
