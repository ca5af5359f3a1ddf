"""Which languages an audience reads."""

import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.errors import Invalid, NotFound
from backend.services import audience_languages, campaigns, credentials, people, segmentation, subscribers
from backend.services.apps import AppRow
from backend.services.audience_languages import Readers
from backend.services.registration import DeviceIn
from tests.factories import definition

KEYS = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}  # the example subscription of RFC 8291
WEB = {"combinator": "and", "not": False, "rules": [{"field": "device.model", "operator": "=", "value": "m1"}]}


def device(work, number: int, locale: str | None, language: str | None = None) -> None:
    given = {"endpoint": f"https://fcm.googleapis.com/fcm/send/{number}", "keys": KEYS}
    made = {"platform": "web", "subscription": given, "user_id": f"u{number}", "permission": "granted"}
    subscribers.register_device(
        work,
        DeviceIn.model_validate(made | {"locale": locale, "model": f"m{number % 2}"}),
        holder=None,
        trusted=True,
    )
    if language:
        people.users_batch(work, [{"user_id": f"u{number}", "language": language}])


@pytest.fixture
def readers(core: Core, app: AppRow) -> None:
    with core.work(OPERATOR, app.number) as work:
        credentials.add_credential(work, "webpush", {"subject": "mailto:ops@example.test"})
        for number, (locale, language) in enumerate(
            [("pl-PL", None), ("pl_PL", None), ("pl-PL", "de"), (None, "de"), (None, None), (None, None)]
        ):
            device(work, number, locale, language)


def test_devices_are_counted_by_the_languages_they_are_set_to(core: Core, app: AppRow, readers):
    with core.reading(OPERATOR, app.number) as work:
        found = audience_languages.of_audience(work, {"everyone": True})
        assert found.devices == 6
        assert set(found.readers) == {
            Readers(("pl-PL", "pl"), 2),
            Readers(("pl-PL", "pl", "de"), 1),
            Readers(("de",), 1),
            Readers((), 2),
        }


def test_only_the_audience_counts(core: Core, app: AppRow, readers):
    with core.work(OPERATOR, app.number) as work:
        odd = segmentation.create(work, "Odd", WEB)
        made = campaigns.create(work, definition(audience={"include": [odd.id]}))
        assert audience_languages.of_campaign(work, made.row.id).devices == 3
        assert audience_languages.of_audience(work, {"topics": {"any": ["news"]}}).devices == 0
        with pytest.raises(NotFound):
            audience_languages.of_campaign(work, "cmp_nothing")
        with pytest.raises(Invalid):
            audience_languages.of_audience(work, {"include": ["seg_gone"]})
