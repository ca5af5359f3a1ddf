"""One provider object for each credential in use, kept as long as the credential stays the same."""

import asyncio

from backend.domain.vocabulary import ProviderName
from backend.providers import build
from backend.providers.base import Credential, Provider
from backend.settings import Settings


class Lanes:
    """The provider connections of one sender process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: dict[int, tuple[Credential, Provider]] = {}
        self._replaced: list[Provider] = []
        self._changing = asyncio.Lock()

    async def get(self, name: ProviderName, credential: Credential) -> Provider:
        """The provider that acts with this credential; a changed credential gets a new one.

        The one before it stays open until the end: chunks may still be sending through it.
        """
        async with self._changing:
            known = self._open.get(credential.id)
            if known is not None and known[0] == credential:
                return known[1]
            if known is not None:
                self._replaced.append(known[1])
            provider = build(name, credential, self._settings)
            self._open[credential.id] = (credential, provider)
            return provider

    async def close(self) -> None:
        """Closes every connection."""
        for provider in [*self._replaced, *(provider for _, provider in self._open.values())]:
            await provider.close()
        self._open.clear()
