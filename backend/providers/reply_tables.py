"""Which answer means what, as data: one line a reply, and one test row behind each line.

Only an explicit "this address is gone" prunes: APNs 410, FCM UNREGISTERED, Web Push 404 and 410.
Sources: Apple, "Handling notification responses from APNs"; Firebase, "FCM error codes", "Best practices
when sending at scale" and the client of topic subscriptions in its Admin SDK; RFC 8030 and Mozilla
autopush's error table.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.providers.base import OutcomeKind, Pause

_APNS_5XX_WAIT = 900.0
"""Apple: "after 15 minutes you can retry"."""
_APNS_SIGNING_WAIT = 1_200.0
"""Provider tokens may change once in 20 minutes."""
_FCM_QUOTA_WAIT = 60.0
_FCM_LEAST_WAIT = 10.0


@dataclass(frozen=True, slots=True)
class Rule:
    """What an answer makes of its message.

    Before the next try go the seconds that the peer asks for, else `wait` (None: the sender's own
    table), never less than `least`. `reconnect`: no more requests to the connection that said so.
    """

    kind: OutcomeKind
    prune: bool = False
    wait: float | None = None
    least: float = 0.0
    pause: Pause = Pause.NOTHING
    reconnect: bool = False


ByReason = Mapping[tuple[int, str], Rule]
ByStatus = Mapping[int, Rule]

ACCEPTED = Rule(OutcomeKind.ACCEPTED)
FAILED = Rule(OutcomeKind.FAILED)
GONE = Rule(OutcomeKind.FAILED, prune=True)
BLOCKED = Rule(OutcomeKind.BLOCKED, pause=Pause.LANE)
BLOCKED_HERE = Rule(OutcomeKind.BLOCKED, pause=Pause.LANE, reconnect=True)
"""A connection belongs to the first key that it saw."""
AGAIN = Rule(OutcomeKind.RETRY)
RECONNECT = Rule(OutcomeKind.RETRY, reconnect=True)
DEVICE_BUSY = Rule(OutcomeKind.RETRY, pause=Pause.DEVICE)
HOST_BUSY = Rule(OutcomeKind.RETRY, pause=Pause.HOST)
APNS_DOWN = Rule(OutcomeKind.RETRY, wait=_APNS_5XX_WAIT, least=_APNS_5XX_WAIT, pause=Pause.HOST)
APNS_SHUTDOWN = Rule(OutcomeKind.RETRY, wait=_APNS_5XX_WAIT, least=_APNS_5XX_WAIT, pause=Pause.HOST, reconnect=True)
APNS_SIGNING = Rule(OutcomeKind.RETRY, wait=_APNS_SIGNING_WAIT, least=_APNS_SIGNING_WAIT, pause=Pause.SIGNING)
FCM_DOWN = Rule(OutcomeKind.RETRY, least=_FCM_LEAST_WAIT, pause=Pause.HOST)
FCM_QUOTA = Rule(OutcomeKind.RETRY, wait=_FCM_QUOTA_WAIT, least=_FCM_LEAST_WAIT, pause=Pause.LANE)
UNKNOWN = Rule(OutcomeKind.UNKNOWN)

_ANYWHERE: ByStatus = {408: AGAIN, 421: AGAIN, 425: AGAIN}
"""What anything on the way may say of a request that it did not process (RFC 9110 15.5.9, 15.5.20; RFC 8470)."""
_REDIRECTS: ByStatus = dict.fromkeys((301, 302, 303, 307, 308), BLOCKED)
"""Neither Apple nor Google sends us elsewhere: the endpoint is not theirs."""

APNS: ByReason = {
    (400, "BadCollapseId"): FAILED,
    (400, "BadDeviceToken"): FAILED,
    (400, "BadExpirationDate"): FAILED,
    (400, "BadMessageId"): FAILED,
    (400, "BadPriority"): FAILED,
    (400, "BadTopic"): BLOCKED,
    (400, "DeviceTokenNotForTopic"): FAILED,
    (400, "DuplicateHeaders"): FAILED,
    (400, "IdleTimeout"): RECONNECT,
    (400, "InvalidPushType"): FAILED,
    (400, "MissingDeviceToken"): FAILED,
    (400, "MissingTopic"): BLOCKED,
    (400, "PayloadEmpty"): FAILED,
    (400, "TopicDisallowed"): BLOCKED,
    (403, "BadCertificate"): BLOCKED,
    (403, "BadCertificateEnvironment"): BLOCKED,
    (403, "BadEnvironmentKeyIdInToken"): BLOCKED,
    (403, "ExpiredProviderToken"): BLOCKED,
    (403, "Forbidden"): BLOCKED,
    (403, "InvalidProviderToken"): BLOCKED,
    (403, "MissingProviderToken"): BLOCKED,
    (403, "UnrelatedKeyIdInToken"): BLOCKED_HERE,
    (404, "404"): BLOCKED,
    (404, "BadPath"): FAILED,
    (405, "405"): BLOCKED,
    (405, "MethodNotAllowed"): FAILED,
    (410, "ExpiredToken"): GONE,
    (410, "Unregistered"): GONE,
    (413, "PayloadTooLarge"): FAILED,
    (429, "TooManyProviderTokenUpdates"): APNS_SIGNING,
    (429, "TooManyRequests"): DEVICE_BUSY,
    (500, "InternalServerError"): APNS_DOWN,
    (503, "ServiceUnavailable"): APNS_DOWN,
    (503, "Shutdown"): APNS_SHUTDOWN,
}
"""By status and reason; the status itself where the answer names no reason."""
APNS_STATUS: ByStatus = {
    **_ANYWHERE,
    **_REDIRECTS,
    200: ACCEPTED,
    403: BLOCKED,
    429: DEVICE_BUSY,
    500: APNS_DOWN,
    502: APNS_DOWN,
    503: APNS_DOWN,
    504: APNS_DOWN,
}
"""For reasons that Apple has not written down."""

FCM: ByReason = {
    (400, "BadRequest"): FAILED,
    (400, "INVALID_ARGUMENT"): FAILED,
    (401, "THIRD_PARTY_AUTH_ERROR"): BLOCKED,
    (401, "UNAUTHENTICATED"): BLOCKED,
    (403, "PERMISSION_DENIED"): BLOCKED,
    (403, "SENDER_ID_MISMATCH"): FAILED,
    (404, "NOT_FOUND"): BLOCKED,
    (404, "UNREGISTERED"): GONE,
    (429, "QUOTA_EXCEEDED"): FCM_QUOTA,
    (429, "RESOURCE_EXHAUSTED"): FCM_QUOTA,
    (500, "INTERNAL"): FCM_DOWN,
    (503, "UNAVAILABLE"): FCM_DOWN,
}
"""By status and reason: FcmError's code, `BadRequest` where our message is at fault, else Google's status."""
FCM_STATUS: ByStatus = {
    **_ANYWHERE,
    **_REDIRECTS,
    200: ACCEPTED,
    401: BLOCKED,
    403: BLOCKED,
    404: BLOCKED,
    405: BLOCKED,
    429: FCM_QUOTA,
    500: FCM_DOWN,
    502: FCM_DOWN,
    503: FCM_DOWN,
    504: FCM_DOWN,
}

FCM_SUBSCRIBE: ByReason = {**FCM, (404, "NOT_FOUND"): FAILED}
"""A registration that is not there may be called so here: one device must not stop the lane."""
FCM_SUBSCRIBE_STATUS: ByStatus = {**FCM_STATUS, 409: ACCEPTED}
"""409: it is on the list already."""
FCM_UNSUBSCRIBE: ByReason = {reply: rule for reply, rule in FCM.items() if reply[0] != 404}
FCM_UNSUBSCRIBE_STATUS: ByStatus = {**FCM_STATUS, 404: ACCEPTED}
"""404: it is not on the list, which is what was wanted."""

WEBPUSH_STATUS: ByStatus = {
    **_ANYWHERE,
    200: ACCEPTED,
    201: ACCEPTED,
    202: ACCEPTED,
    204: ACCEPTED,
    400: FAILED,
    401: FAILED,
    403: FAILED,
    404: GONE,
    410: GONE,
    413: FAILED,
    429: HOST_BUSY,
    500: HOST_BUSY,
    502: HOST_BUSY,
    503: HOST_BUSY,
    504: HOST_BUSY,
}
"""401 and 403 do not block the lane: anybody may register a subscription made with another key, and
must not be able to stop everybody's pushes by it."""


def by_status(table: ByStatus, status: int) -> Rule:
    """A status that no table knows: the class decides, and what is no HTTP status is unknown."""
    if status in table:
        return table[status]
    if 300 <= status < 500:
        return FAILED
    return HOST_BUSY if status >= 500 else UNKNOWN
