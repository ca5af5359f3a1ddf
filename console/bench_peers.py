"""The best known Python senders, measured beside ours by `tocsin bench`: each in a process of its own.

They are no dependency of the product; `make bench` installs them. Each sends the same text to as many devices,
100 requests at a time, over HTTP/2 and TLS to the same sink.
"""

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from backend.domain.vocabulary import ProviderName
from backend.simulator.authority import PROJECT, Authority

AT_ONCE = 100
TITLE, BODY = "Hi Ana, your picks are in", "Twelve new things, chosen for you in PL."
TOPIC = "com.example.shop"


@dataclass(frozen=True, slots=True)
class Measured:
    """Wall and CPU seconds that a peer took."""

    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Peer:
    """One library and the provider it speaks to."""

    name: str
    module: str
    provider: ProviderName


PEERS = (
    Peer("firebase-admin", "firebase_admin", ProviderName.FCM),
    Peer("aioapns", "aioapns", ProviderName.APNS),
)


def installed(say: Callable[[str], None]) -> Iterator[Peer]:
    """Those that can be measured here; of the others it says so."""
    for peer in PEERS:
        if importlib.util.find_spec(peer.module):
            yield peer
        else:
            say(f"{peer.name} is not installed and is left out; make bench installs it.")


def measure(peer: Peer, authority: Authority, pushes: int) -> Measured:
    """Lets one peer send so many pushes to the sink of this authority."""
    command = [sys.executable, "-m", "console.bench_peers", peer.module, str(authority.directory), str(pushes)]
    environment = {**os.environ, "SSL_CERT_FILE": str(authority.ca_path)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)  # noqa: S603 - our own module
    return Measured(**json.loads(done.stdout))


def _firebase(authority: Authority) -> Callable[[int], Awaitable[Any]]:
    import firebase_admin
    import google.oauth2.credentials
    from firebase_admin import credentials, messaging

    class Given(credentials.Base):
        """An access token without its endless fetching: that is not what is measured."""

        def get_credential(self) -> Any:
            return google.oauth2.credentials.Credentials("ya29.sink")

    service = messaging._MessagingService
    service.FCM_URL = authority.endpoints.fcm + "/v1/projects/{0}/messages:send"
    firebase_admin.initialize_app(Given(), {"projectId": PROJECT})
    texts = messaging.Notification(title=TITLE, body=BODY)
    tokens = [authority.device_address(ProviderName.FCM, n)["token"] for n in range(AT_ONCE)]

    async def send(count: int) -> None:
        messages = [messaging.Message(fid=token, notification=texts) for token in tokens[:count]]
        for response in (await messaging.send_each_async(messages)).responses:
            if response.exception:
                raise response.exception

    return send


def _aioapns(authority: Authority) -> Callable[[int], Awaitable[Any]]:
    import ssl

    from aioapns import APNs, NotificationRequest
    from aioapns.connection import APNsProductionClientProtocol

    place = urlsplit(authority.endpoints.apns)
    APNsProductionClientProtocol.APNS_SERVER, APNsProductionClientProtocol.APNS_PORT = place.hostname, place.port
    body = authority.apns_credential_body(TOPIC)
    keys = {name: body[name] for name in ("key_id", "team_id", "topic")}
    client = APNs(key=body["private_key"], **keys, ssl_context=ssl.create_default_context(cadata=authority.ca))
    tokens = [authority.device_address(ProviderName.APNS, n)["token"] for n in range(AT_ONCE)]
    said = {"aps": {"alert": {"title": TITLE, "body": BODY}}}

    async def send(count: int) -> None:
        requests = [NotificationRequest(token, said, notification_id=str(uuid.uuid4())) for token in tokens[:count]]
        for result in await asyncio.gather(*(client.send_notification(each) for each in requests)):
            if not result.is_successful:
                raise ConnectionError(result.description)

    return send


MAKERS = {"firebase_admin": _firebase, "aioapns": _aioapns}


async def _all(module: str, authority: Authority, pushes: int) -> Measured:
    send = MAKERS[module](authority)
    await send(1)
    begun, cpu = time.monotonic(), time.process_time()
    for sent in range(0, pushes, AT_ONCE):
        await send(min(AT_ONCE, pushes - sent))
    return Measured(time.monotonic() - begun, time.process_time() - cpu)


def main(arguments: Sequence[str]) -> None:
    """`python -m console.bench_peers MODULE DIRECTORY PUSHES` prints `{"seconds", "cpu"}`."""
    module, directory, pushes = arguments
    measured = asyncio.run(_all(module, Authority.load_or_create(Path(directory)), int(pushes)))
    print(json.dumps({"seconds": measured.seconds, "cpu": measured.cpu}), flush=True)
    os._exit(0)  # what they keep open is not waited for


if __name__ == "__main__":
    main(sys.argv[1:])
