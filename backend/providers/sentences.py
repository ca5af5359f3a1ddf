"""What a member is told when a provider refuses our credential or configuration: what is wrong, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.providers.base import Outcome, OutcomeKind

_HOUR, _MINUTE = 3_600.0, 60.0
_CLOCK = "The clock of this machine is wrong; let it be set by NTP."


@dataclass(frozen=True, slots=True)
class Sentences:
    """A provider's name in a sentence, its reasons in words, and those that a wrong clock explains."""

    who: str
    known: Mapping[str, str]
    by_clock: frozenset[str] = frozenset()


APNS = Sentences(
    "Apple",
    {
        "404": "The endpoint is not Apple's push service: it answers 404.",
        "405": "The endpoint is not Apple's push service: it answers 405.",
        "BadCertificate": "Apple does not accept the certificate: it has been revoked or is not one for push.",
        "BadCertificateEnvironment": "The certificate belongs to the other environment (sandbox or production).",
        "BadEnvironmentKeyIdInToken": "The key belongs to the other environment (sandbox or production).",
        "BadTopic": "Apple does not accept the topic: it must be the app's bundle id.",
        "ExpiredProviderToken": f"Apple calls a fresh token expired. {_CLOCK}",
        "Forbidden": "Apple forbids the request: the key or certificate may not send for this app.",
        "InvalidProviderToken": "Apple does not believe the token: the team id, the key id or the key is wrong"
        " or revoked, or the clock of this machine is wrong.",
        "MissingProviderToken": "Apple wants a key or a certificate and got neither: a proxy may take it away.",
        "MissingTopic": "Apple wants a topic: the certificate serves several, name the app's bundle id.",
        "TopicDisallowed": "The key or certificate may not send to this topic: check the app's bundle id.",
        "UnrelatedKeyIdInToken": "Apple does not know the key id for this team.",
        "certificate_expired": "The certificate has expired: make a new one at developer.apple.com and add it here.",
    },
    frozenset({"ExpiredProviderToken", "InvalidProviderToken"}),
)
FCM = Sentences(
    "Google",
    {
        "404": "The endpoint is not Firebase Cloud Messaging: it answers 404.",
        "405": "The endpoint is not Firebase Cloud Messaging: it answers 405.",
        "NOT_FOUND": "There is no such Firebase project.",
        "PERMISSION_DENIED": "The service account may not send, or the Firebase Cloud Messaging API is not enabled.",
        "THIRD_PARTY_AUTH_ERROR": "The APNs or Web Push key that is stored in Firebase is missing or wrong.",
        "UNAUTHENTICATED": "Google does not accept the access token it has just given.",
        "bad_service_account": "The service account's file cannot be used: download a new one from Firebase.",
        "invalid_client": "Google does not know the service account: it has been deleted or disabled.",
        "invalid_grant": "Google does not accept the service account's key: it has been deleted or disabled,"
        " or the clock of this machine is wrong.",
        "no_token": "The token service gave no access token: the service account's token_uri, or a proxy, is wrong.",
        "token_unreachable": "Google's token service cannot be reached.",
    },
    frozenset({"UNAUTHENTICATED", "invalid_grant"}),
)
WEBPUSH = Sentences("The push service", {})


def sentence(of: Sentences, reason: str, status: int, clock_ahead: float = 0.0) -> str:
    """One plain sentence on a BLOCKED outcome; `clock_ahead` is the outcome's."""
    if clock_ahead and reason in of.by_clock:
        return (
            f"The clock of this machine is {_length(abs(clock_ahead))} {'fast' if clock_ahead > 0 else 'slow'},"
            f" so {of.who} does not believe its tokens ({reason}); let it be set by NTP."
        )
    said = reason if reason == str(status) or not status else f"{status} {reason}".strip()
    return of.known.get(reason, f"{of.who} refuses our credential or configuration: {said}.")


def verdict(of: Sentences, outcome: Outcome) -> str:
    """What to say of a test request that the provider did not take."""
    if outcome.kind is OutcomeKind.BLOCKED or outcome.reason in of.known:
        return sentence(of, outcome.reason, outcome.status, outcome.clock_ahead)
    if outcome.status:
        return f"{of.who} did not take a test request: {outcome.status} {outcome.reason}."
    return f"{of.who} cannot be reached: {outcome.raw or outcome.reason}."


def _length(seconds: float) -> str:
    for unit, name in ((_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}s"
    return f"{seconds:.0f} seconds"
