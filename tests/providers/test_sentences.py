"""What a member reads when a provider refuses us: one plain sentence for each reason."""

import pytest

from backend.domain.vocabulary import ProviderName
from backend.providers import reply_tables as tables
from backend.providers import sentence
from backend.providers.base import Outcome, OutcomeKind
from backend.providers.sentences import APNS, FCM, verdict

BLOCKING = [
    (name, status, reason)
    for name, table in ((ProviderName.APNS, tables.APNS), (ProviderName.FCM, tables.FCM))
    for (status, reason), rule in table.items()
    if rule.kind is OutcomeKind.BLOCKED
]
OURS = [
    (ProviderName.APNS, 0, "certificate_expired"),
    *(
        (ProviderName.FCM, 0, reason)
        for reason in ("bad_service_account", "invalid_client", "invalid_grant", "no_token")
    ),
]


@pytest.mark.parametrize(("name", "status", "reason"), BLOCKING + OURS)
def test_every_reason_that_stops_a_lane_has_a_sentence_of_its_own(name: ProviderName, status: int, reason: str) -> None:
    said = sentence(name, reason, status)
    assert said[0].isupper()
    assert said.endswith(".")
    assert reason in {**APNS.known, **FCM.known}
    assert "refuses our credential or configuration" not in said


@pytest.mark.parametrize(
    ("name", "reason", "status", "said"),
    [
        (ProviderName.APNS, "SomethingNew", 403, "Apple refuses our credential or configuration: 403 SomethingNew."),
        (ProviderName.FCM, "403", 403, "Google refuses our credential or configuration: 403."),
        (ProviderName.FCM, "odd_error", 0, "Google refuses our credential or configuration: odd_error."),
        (ProviderName.WEBPUSH, "401", 401, "The push service refuses our credential or configuration: 401."),
    ],
)
def test_what_nobody_wrote_down_is_said_with_the_providers_word(
    name: ProviderName, reason: str, status: int, said: str
) -> None:
    assert sentence(name, reason, status) == said


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (61.0, "61 seconds fast"),
        (-119.0, "119 seconds slow"),
        (600.0, "10 minutes fast"),
        (-7_100.0, "118 minutes slow"),
        (86_400.0, "24 hours fast"),
    ],
)
def test_a_wrong_clock_is_named_where_it_explains_the_refusal(ahead: float, words: str) -> None:
    assert words in sentence(ProviderName.APNS, "ExpiredProviderToken", 403, ahead)
    assert words in sentence(ProviderName.FCM, "invalid_grant", 0, ahead)
    assert words not in sentence(ProviderName.APNS, "TopicDisallowed", 400, ahead)


def test_a_provider_that_is_away_is_no_refusal() -> None:
    away = Outcome(OutcomeKind.RETRY, reason="not_sent", raw="connect: refused")
    assert verdict(APNS, away) == "Apple cannot be reached: connect: refused."
    busy = Outcome(OutcomeKind.RETRY, 503, "ServiceUnavailable")
    assert verdict(APNS, busy) == "Apple did not take a test request: 503 ServiceUnavailable."
