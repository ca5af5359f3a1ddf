"""The answers that a provider may give for no reason of ours."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

_FAULT = re.compile(r"([45]\d\d)/([A-Za-z0-9_]*)(?:@(\d+))?")


@dataclass(frozen=True, slots=True)
class Fault:
    """One such answer. `retry_after` is in seconds."""

    status: int
    reason: str
    retry_after: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `STATUS/REASON` or `STATUS/REASON@RETRY_AFTER`; REASON may be empty. Raises `ValueError`."""
        match = _FAULT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not STATUS/REASON or STATUS/REASON@SECONDS")
        return cls(int(match[1]), match[2], int(match[3]) if match[3] else None)


CATALOGUE: Mapping[str, tuple[str, ...]] = {
    "apns": (
        "400/BadCollapseId",
        "400/BadDeviceToken",
        "400/BadExpirationDate",
        "400/BadMessageId",
        "400/BadPriority",
        "400/BadTopic",
        "400/DeviceTokenNotForTopic",
        "400/DuplicateHeaders",
        "400/IdleTimeout",
        "400/InvalidPushType",
        "400/MissingDeviceToken",
        "400/MissingTopic",
        "400/PayloadEmpty",
        "400/TopicDisallowed",
        "403/BadCertificate",
        "403/BadCertificateEnvironment",
        "403/BadEnvironmentKeyIdInToken",
        "403/ExpiredProviderToken",
        "403/Forbidden",
        "403/InvalidProviderToken",
        "403/MissingProviderToken",
        "403/UnrelatedKeyIdInToken",
        "404/BadPath",
        "405/MethodNotAllowed",
        "410/ExpiredToken",
        "410/Unregistered",
        "413/PayloadTooLarge",
        "429/TooManyProviderTokenUpdates",
        "429/TooManyRequests",
        "500/InternalServerError",
        "503/ServiceUnavailable",
        "503/Shutdown",
    ),
    "fcm": (
        "400/BadRequest",
        "400/INVALID_ARGUMENT",
        "401/THIRD_PARTY_AUTH_ERROR",
        "401/UNAUTHENTICATED",
        "403/PERMISSION_DENIED",
        "403/SENDER_ID_MISMATCH",
        "403/SERVICE_DISABLED",
        "404/NOT_FOUND",
        "404/UNREGISTERED",
        "429/QUOTA_EXCEEDED",
        "429/RESOURCE_EXHAUSTED",
        "500/INTERNAL",
        "502/",
        "503/UNAVAILABLE",
        "504/",
    ),
    "topics": (
        "400/INVALID_ARGUMENT",
        "403/PERMISSION_DENIED",
        "404/UNREGISTERED",
        "429/RESOURCE_EXHAUSTED",
        "500/INTERNAL",
        "503/UNAVAILABLE",
    ),
    "oauth": ("400/invalid_grant", "401/invalid_client", "429/rate_limit_exceeded", "500/", "503/"),
    "webpush": (
        "400/101",
        "400/110",
        "400/111",
        "400/112",
        "400/113",
        "401/109",
        "403/BadJwtToken",
        "403/mismatch",
        "404/102",
        "410/103",
        "410/105",
        "410/106",
        "413/104",
        "429/",
        "500/999",
        "502/",
        "503/201",
        "503/202",
        "504/",
    ),
}
"""By service, what its documents and its users' reports name. A mix may draw others too.

A Web Push reason is autopush's own number of the error; words are those of other push services: `mismatch`
is Google's refusal of another key's subscription, all others are Apple's.
"""
