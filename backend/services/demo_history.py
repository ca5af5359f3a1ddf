"""What a demo app sent in the last 90 days: finished campaigns with their deliveries and receipts."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend.db import Work
from backend.domain.experiment import bounds, slot, variant_salt
from backend.domain.vocabulary import CampaignState, DeliveryState, RunState, SkipReason
from backend.models import Campaign, Delivery, Dims, Receipt, Run
from backend.queries import demo as queries
from backend.services import campaigns, definition, occasions

MOST = 2_500
SHARE = 0.35
WEEKS = 12
TEXTS = (
    ("Spring sale starts now", "Up to 40 % off shoes and bags until Sunday.", "marketing"),
    ("Your weekly picks", "{{ user.name | default('Hello') }}, eight new things in your size.", "marketing"),
    ("We have changed our app", "Faster search, and your wish list on every device.", "updates"),
    ("Back in stock", "What you looked at is here again.", "marketing"),
    ("Free delivery this weekend", "No minimum, in every country we ship to.", "marketing"),
    ("A word on your privacy", "See what we keep, and change it in two taps.", "updates"),
)
# accepted, failed, skipped: the shares of an ordinary run
ENDS = ((DeliveryState.ACCEPTED, None, 95.6), (DeliveryState.FAILED, "UNREGISTERED", 1.6),
        (DeliveryState.SKIPPED, SkipReason.NO_PERMISSION, 2.1), (DeliveryState.SKIPPED, SkipReason.CATEGORY_OFF, 0.7))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Past:
    """One campaign of the past: when it went out, and how well each variant did."""

    campaign: Campaign
    run: Run
    at: datetime
    opening: tuple[float, ...]
    ends: Sequence[int]
    salt: Any


def past_campaigns(work: Work) -> None:
    """One campaign a week, sent to a sample of the app's devices."""
    seed = random.Random(f"history:{work.app_id}")  # noqa: S311 - a demo must be repeatable, not secret
    devices = queries.reachable(work.session, work.app_id)
    looks = _looks(work, devices)
    for week in range(WEEKS, 0, -1):
        sample = seed.sample(devices, min(int(len(devices) * SHARE) + 1, MOST, len(devices)))
        past = _campaign(work, seed, week)
        _deliveries(work, seed, past, sample, looks)
        _receipts(work, seed, past)


def _looks(work: Work, devices: Sequence[queries.Reachable]) -> dict[tuple[str, str, str, str], int]:
    names = ("platform", "country", "language", "app_version")
    known = queries.dims(work.session, work.app_id)
    fresh = sorted({device.look for device in devices} - set(known))
    queries.add(work.session, Dims, [{"app_id": work.app_id, **dict(zip(names, look, strict=True))} for look in fresh])
    return queries.dims(work.session, work.app_id)


def _campaign(work: Work, seed: random.Random, week: int) -> Past:
    title, body, category = TEXTS[week % len(TEXTS)]
    at = (work.now - timedelta(days=7 * week - 1)).replace(hour=seed.choice((8, 9, 12, 17, 18)), minute=0, second=0)
    variants = [{"name": "A", "weight": 50, "content": {"title": title, "body": body, "link": "https://shop.example/"}}]
    if week % 3 == 0:
        variants.append({"name": "B", "weight": 50, "content": {"title": title + " – for you", "body": body}})
    data = definition.to_json(definition.parse({
        "name": f"{title}, week {(at.isocalendar().week)}", "category": category,
        "audience": {"everyone": True}, "variants": variants,
    }))  # fmt: skip
    campaign = Campaign(
        app_id=work.app_id, name=data["name"], definition=data, state=CampaignState.FINISHED, created_at=at,
        updated_at=at, created_by=str(work.actor), launched_at=at, due_at=at, finished_at=at + timedelta(minutes=4),
    )  # fmt: skip
    work.session.add(campaign)
    work.session.flush()
    revision = campaigns.revise(work, campaign, data)
    campaign.revision_id = revision.id
    run = occasions.start(work, campaign, revision.id, occasion="once", due_at=work.now)
    run.state, run.due_at, run.created_at, run.planned_at, run.started_at = RunState.FINISHED, at, at, at, at
    run.finished_at = run.activity_at = at + timedelta(minutes=4)
    run.next_chunk = 1
    work.session.flush()
    base = seed.uniform(0.16, 0.3)
    opening = tuple(base * factor for factor in (1.0, 1.18)[: len(variants)])
    weights = bounds([int(str(variant["weight"])) for variant in variants])
    return Past(campaign, run, at, opening, weights, variant_salt(campaign.id, revision.content_hash))


def _deliveries(
    work: Work,
    seed: random.Random,
    past: Past,
    sample: Sequence[queries.Reachable],
    looks: Mapping[tuple[str, str, str, str], int],
) -> None:
    rows = []
    for device in sorted(sample, key=lambda one: one.id):
        state, reason, _ = seed.choices(ENDS, weights=[share for *_, share in ENDS])[0]
        position = slot(device.bucket, past.salt)
        rows.append({
            "run_id": past.run.id, "user_id": device.user_id, "device_id": device.id, "chunk": 0,
            "dims_id": looks[device.look],
            "variant": next(n for n, end in enumerate(past.ends) if position < end),
            "state": state, "reason": reason, "attempts": 0 if state == DeliveryState.SKIPPED else 1,
            "maybe_sent": False, "due_at": past.at, "ended_at": past.at + timedelta(seconds=seed.uniform(1, 240)),
        })  # fmt: skip
    queries.add(work.session, Delivery, rows)
    past.run.audience = len(rows)


def _receipts(work: Work, seed: random.Random, past: Past) -> None:
    rows: list[dict[str, Any]] = []
    for number, state, variant, ended in queries.deliveries(work.session, past.run.id):
        if state == DeliveryState.ACCEPTED and seed.random() < 0.93:
            rows += _reactions(work, seed, number, ended, past.opening[variant])
    queries.add(work.session, Receipt, rows)


def _reactions(work: Work, seed: random.Random, number: int, ended: datetime, opening: float) -> list[dict[str, Any]]:
    """Delivered within a minute; opened, if at all, with a long tail over the day."""
    seen = ended + timedelta(seconds=seed.uniform(0.2, 50))
    kinds: list[tuple[str, datetime]] = [("delivered", seen), ("displayed", seen + timedelta(seconds=1))]
    if seed.random() < opening:
        opened = seen + timedelta(seconds=seed.lognormvariate(7.2, 1.5))
        kinds.append(("opened", opened))
        if seed.random() < 0.07:
            kinds.append(("action", opened + timedelta(seconds=2)))
    elif seed.random() < 0.2:
        kinds.append(("dismissed", seen + timedelta(seconds=seed.uniform(30, 9000))))
    return [
        {
            "delivery_id": number, "type": kind, "action": "buy" if kind == "action" else "",
            "at": min(at, work.now), "received_at": min(at, work.now),
        }
        for kind, at in kinds
    ]  # fmt: skip
