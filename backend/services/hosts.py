"""The hosts of a Web Push lane: who has no room now waits its turn, and the others go on."""

import math
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from backend.domain.message import Address
from backend.domain.vocabulary import AddressKind
from backend.providers.base import Provider
from backend.services.runs import Prepared, Ready

AT_ONCE = 20
"""About so many requests a slow host is given at a time."""
SMOOTHING = 0.1
SHORTEST = 0.25
HORIZON = 60.0
"""Nobody waits longer than this before the host is asked again: it may have recovered."""
KEPT = 256


@dataclass(slots=True)
class _Host:
    """`seconds` is what an answer takes of late, `taken_until` up to when rows have their turn already."""

    seconds: float = 0.0
    taken_until: float = 0.0


class Hosts:
    """One lane's hosts as this process knows them. `now` is epoch seconds."""

    def __init__(self) -> None:
        self._hosts: OrderedDict[str, _Host] = OrderedDict()

    def later(self, provider: Provider, prepared: Sequence[Prepared], now: float) -> dict[int, datetime]:
        """Which of these rows their host has no room for, and when each has its turn."""
        by_host: defaultdict[str, list[Ready]] = defaultdict(list)
        for row in prepared:
            if isinstance(row, Ready) and (name := host_of(row.address)):
                by_host[name].append(row)
        turns: dict[int, datetime] = {}
        for name, rows in by_host.items():
            room = provider.admit(rows[0].address, len(rows))
            if room.count < len(rows):
                turns |= self._turns(self._host(name), rows[room.count :], now, room.wait)
        return turns

    def answered(self, address: Address, seconds: float) -> None:
        """A host answered after so long."""
        if name := host_of(address):
            host = self._host(name)
            host.seconds += (seconds - host.seconds) * (SMOOTHING if host.seconds else 1.0)

    def _turns(self, host: _Host, rows: Sequence[Ready], now: float, wait: float) -> dict[int, datetime]:
        """One row after another as fast as the host answers: all at once they would only be sent away again."""
        begin = max(now + max(wait, SHORTEST), min(host.taken_until, now + HORIZON))
        each = host.seconds / AT_ONCE
        host.taken_until = begin + each * len(rows)
        return {row.id: _rounded(now, min(begin + each * n, now + HORIZON)) for n, row in enumerate(rows)}

    def _host(self, name: str) -> _Host:
        host = self._hosts.setdefault(name, _Host())
        self._hosts.move_to_end(name)
        if len(self._hosts) > KEPT:
            self._hosts.popitem(last=False)
        return host


def host_of(address: Address) -> str:
    """`host[:port]` of a subscription; nothing for an address that shares its lane's one origin."""
    return address.value.split("/", 3)[2] if address.kind is AddressKind.SUBSCRIPTION else ""


def _rounded(now: float, at: float) -> datetime:
    """Rounded up, the more the later, so that rows share a chunk."""
    grain = max(SHORTEST, 2.0 ** math.floor(math.log2(max(at - now, SHORTEST) / 8)))
    return datetime.fromtimestamp(math.ceil(at / grain) * grain, UTC)
