"""How far a platform has come, seen in its latest devices."""

from sqlalchemy import select, update
from sqlmodel import col

from backend.bootstrap import Core
from backend.crypto import b64url
from backend.db import OPERATOR
from backend.domain.vocabulary import Platform
from backend.models import Delivery
from backend.services import campaigns, channels, credentials, planner, receipts, subscribers
from backend.services.apps import AppRow
from backend.services.receipts import ReceiptIn
from backend.services.registration import DeviceIn
from backend.simulator.authority import Authority


def web(core: Core, app: AppRow) -> channels.Channel:
    with core.reading(OPERATOR, app.number) as work:
        return next(one for one in channels.progress(work) if one.platform == Platform.WEB)


def seen(channel: channels.Channel) -> tuple[bool, ...]:
    return channel.credential, channel.device, channel.accepted, channel.receipt


def test_each_step_shows_when_it_is_done(core: Core, app: AppRow, tmp_path):
    authority = Authority.load_or_create(tmp_path)
    assert seen(web(core, app)) == (False, False, False, False)
    with core.work(OPERATOR, app.number) as work:
        credentials.add_credential(work, "webpush", {"subject": "mailto:ops@example.test"}, trusted=True)
    assert seen(web(core, app)) == (True, False, False, False)
    browser = {"endpoint": "https://updates.push.services.mozilla.com/wpush/v2/x"}
    keys = authority.browser("x" * 43)
    browser["keys"] = {"p256dh": b64url(keys.public), "auth": b64url(keys.auth)}
    with core.work(OPERATOR, app.number) as work:
        given = DeviceIn.model_validate({"platform": "web", "subscription": browser, "user_id": "ana"})
        subscribers.register_device(work, given, trusted=True)
        made = campaigns.create(
            work,
            {
                "name": "C",
                "category": "marketing",
                "audience": {"everyone": True},
                "variants": [{"content": {"title": "T", "body": "B"}}],
            },
        )
        campaigns.launch(work, made.row.id)
    planner.tick(core)
    assert seen(web(core, app)) == (True, True, False, False)
    with core.work(OPERATOR, app.number) as work:
        work.session.execute(update(Delivery).values(state="accepted", ended_at=work.now))
        number = work.session.execute(select(col(Delivery.id))).scalar_one()
    assert seen(web(core, app)) == (True, True, True, False)
    with core.work(OPERATOR, app.number) as work:
        keyring = core.keyring
        proof = ReceiptIn(m=keyring.public_id("dlv", number), t=keyring.sign_receipt(app.number, number), type="opened")
        receipts.record(work, [[proof]])
    channel = web(core, app)
    assert seen(channel) == (True, True, True, True)
    assert channel.last_registered is not None
