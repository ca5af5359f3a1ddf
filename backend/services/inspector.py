"""The exact bytes of one push before it is sent: the facts, the renderer and the encoder are those that send.

What a real send replaces is the delivery's own name and proof (`m`, `t`, and what is made of them: the tag), and
the instant until which Apple keeps it where FCM carries that in the body: by others of the same length.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backend import providers
from backend.db import Work
from backend.domain import content
from backend.domain.message import Address, Message
from backend.domain.vocabulary import AddressKind, Platform, ProviderName
from backend.errors import FieldError, Invalid, NotFound
from backend.models import Campaign
from backend.providers.base import Credential, TooLarge
from backend.queries import preflight as queries
from backend.services import (
    addresses,
    campaigns,
    credentials,
    ids,
    lookahead,
    payload_costs,
    people_search,
    runs,
    topic_audience,
    triggers,
)
from backend.services.content import parse_content
from backend.services.payload_costs import Cost, Trim
from backend.services.runs import RunContext


@dataclass(frozen=True, slots=True)
class Whom:
    """For whom: one device; or a user and their device (of that platform); or nobody in particular.

    `user_id` is the app's own or ours (`usr_…`). `locale` takes the place of the device's and the user's language.
    """

    user_id: str | None = None
    device_id: str | None = None
    platform: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """One message as one device would get it.

    `body` is the exact text that is sent but for the device's address, masked by as many characters; `bytes` is
    its length, and `counted` how much of it counts against `limit`. `own` is what the delivery itself adds to the
    body: a real send has others there, of the same length. `headers` go beside it. `chain` are the languages that
    were tried, `variables` what the texts could read. Where there are problems there may be no message.

    What goes to a `topic` is one body for all its followers on every platform, whoever is looked at: `message` is
    then what `platform` shows of it, and all that is counted is the whole body's.
    """

    platform: str
    provider: str
    limit: int
    user_id: str | None = None
    device_id: str | None = None
    message: Message | None = None
    problems: tuple[FieldError, ...] = ()
    body: str = ""
    bytes: int = 0
    counted: int = 0
    own: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    locale: str = ""
    chain: tuple[str, ...] = ()
    fields: tuple[Cost, ...] = ()
    trim: Trim | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a message goes: a device's facts, its address, and the encoder of its lane.

    `platform` is the one that is looked at: a topic has all of them.
    """

    row: Any
    address: Address
    encode: lookahead.Encode
    platform: str
    credential: Credential | None = None


def of_content(
    work: Work,
    data: Mapping[str, Any],
    whom: Whom,
    *,
    said: Mapping[str, Any] | None = None,
    schedule: Mapping[str, Any] | None = None,
) -> Preview:
    """The message that content makes; what is wrong with it is told as `problems`.

    `said` is what the API adds as `data`; with the `schedule` of an event campaign the texts read the event that
    `triggers.sample` gives. Raises `NotFound` for a person or device that is not there.
    """
    place = seat(work, whom)
    place.row.context = {"data": dict(said)} if said else triggers.sample(work, schedule)
    try:
        return preview(work, runs.bare(work, parse_content(data)), place, whom.locale)
    except Invalid as error:
        return _refused(work, place, error.errors)


def of_campaign(
    work: Work, campaign_id: str, whom: Whom, *, variant: str | None = None, text: Mapping[str, Any] | None = None
) -> Preview:
    """The message of a campaign's variant (the first where none is named); `text` takes the place of its content.

    Of a send to topics it is the first topic's: nobody's own, whomever it is asked for.
    """
    campaign = campaigns.find(work, campaign_id, lock=False)
    at = position(campaign.definition["variants"], variant)
    place = seat(work, whom)
    if topics := campaign.definition["audience"].get("topics"):
        place = _of_topic(work, topics, place.platform)
    place.row.variant = at
    place.row.context = triggers.sample(work, campaign.definition["schedule"])
    try:
        return preview(work, context_of(work, campaign, at, text), place, whom.locale)
    except Invalid as error:
        return _refused(work, place, error.errors)


def position(variants: Sequence[Mapping[str, Any]], name: str | None) -> int:
    """Which of the variants has this name. Raises `Invalid`."""
    names = [one["name"] for one in variants]
    if name is None or name in names:
        return 0 if name is None else names.index(name)
    raise Invalid("variant", f"must be one of {', '.join(names)}")


def context_of(work: Work, campaign: Campaign, at: int, text: Mapping[str, Any] | None = None) -> RunContext:
    """What a launch of the campaign would go by, with `text` in the place of a variant's content.

    Raises `Invalid` for what is wrong with it.
    """
    if text is None:
        return runs.draft(work, campaign)
    variants = [dict(one) for one in campaign.definition["variants"]]
    variants[at] |= {"template_id": None, "content": parse_content(text)}
    imagined = Campaign(
        id=campaign.id,
        app_id=campaign.app_id,
        name=campaign.name,
        definition={**campaign.definition, "variants": variants},
        created_at=campaign.created_at,
        updated_at=campaign.updated_at,
    )
    return runs.draft(work, imagined)


def seat(work: Work, whom: Whom) -> Seat:
    """The device that is meant, or an example of its platform. Raises `NotFound`, or `Invalid` for a bad choice."""
    row = _row(work, whom)
    row.variant = 0
    if row.sealed_address is None:
        row.platform = Platform(row.platform or whom.platform or Platform.IOS)
        address = lookahead.EXAMPLE[row.platform]
        return Seat(row, address, lookahead.bare_encoder(address.provider), row.platform)
    address = addresses.unseal(work.core.keyring, work.app_id, row)
    if row.credential_id is None:
        return Seat(row, address, lookahead.bare_encoder(address.provider), row.platform)
    name, credential = credentials.load(work, row.credential_id)
    return Seat(row, address, providers.encoder(name, credential), row.platform, credential)


def _of_topic(work: Work, names: Sequence[str], platform: str) -> Seat:
    """The first topic's place; an app without Firebase has no lane for it yet."""
    lane = next(iter(topic_audience.fanouts(work, names)), None)
    address = topic_audience.address(lane.topic if lane else names[0])
    row = queries.topic(
        addresses.seal(work.core.keyring, work.app_id, address), lane.credential_id if lane else 0, work.now
    )
    if lane is None:
        return Seat(row, address, lookahead.bare_encoder(address.provider), platform)
    name, credential = credentials.load(work, lane.credential_id)
    return Seat(row, address, providers.encoder(name, credential), platform, credential)


def _row(work: Work, whom: Whom) -> Any:
    _check(whom)
    if whom.device_id is not None:
        number = ids.number(work, ids.DEVICE, whom.device_id)
        found = queries.device(work.session, work.app_id, number, work.now)
        if found is None:
            raise NotFound(f"There is no device {whom.device_id!r} in this app.")
        return found
    if whom.user_id is None:
        return queries.nobody(work.now)
    number = people_search.number_of(work, whom.user_id)
    found = queries.person(work.session, work.app_id, number, whom.platform, work.now)
    if found is None:
        raise NotFound(f"There is no user {whom.user_id!r} in this app.")
    return found


def _check(whom: Whom) -> None:
    if whom.platform is not None and whom.platform not in set(Platform):
        raise Invalid("platform", f"must be one of {', '.join(Platform)}")
    if whom.locale is not None:
        try:
            content.normal_tag(whom.locale)
        except ValueError as error:
            raise Invalid("locale", str(error)) from error


def preview(work: Work, context: RunContext, place: Seat, locale: str | None = None) -> Preview:
    """What `context` says to that device, in the exact bytes. Raises `TemplateError` where it cannot be said."""
    row, address = place.row, place.address
    own = (locale, None) if locale else (row.locale, row.language)
    chain = content.locale_chain(*own, context.default_locale)
    message = runs.render(row, context, chain, work.core.keyring)
    hidden, limit = lookahead.masked(address), providers.limit(address)
    costs = payload_costs.costs(place.encode, message, hidden)
    trim = payload_costs.trim(costs, limit)
    body, problems = _encoded(place.encode, message, hidden, trim)
    return Preview(
        **_whose(work, place),
        message=_shown(message, place.platform),
        problems=problems,
        body=body.decode(),
        bytes=len(body),
        counted=payload_costs.measured(place.encode, message, hidden),
        own=_own(message, body),
        headers=dict(providers.headers(message, address, place.credential)),
        locale=message.locale,
        chain=chain,
        fields=costs,
        trim=trim,
        variables=runs.variables(row, context),
    )


def _shown(message: Message, platform: str) -> Message:
    """A topic's message has one for each platform."""
    return next((one for one in message.others if one.platform == platform), message)


def _own(message: Message, body: bytes) -> dict[str, str]:
    ends = str(int(message.expires_at.timestamp()))
    instant = {"apns-expiration": ends} if f'"apns-expiration":"{ends}"'.encode() in body else {}
    return {"m": message.m, "t": message.t, **instant}


def _encoded(
    encode: lookahead.Encode, message: Message, address: Address, trim: Trim | None
) -> tuple[bytes, tuple[FieldError, ...]]:
    """The body; one that is too large does not come out, and its dearest field is named."""
    try:
        return encode(message, address), ()
    except TooLarge as error:
        dearest = trim.field if trim else payload_costs.FRAME
        return b"", (FieldError(dearest, f"{error}; shorten it by {error.size - error.limit} bytes or more"),)


def _refused(work: Work, place: Seat, errors: Sequence[FieldError]) -> Preview:
    known = runs.variables(place.row, runs.bare(work, {}))
    return Preview(**_whose(work, place), problems=tuple(errors), variables=known)


def _whose(work: Work, place: Seat) -> dict[str, Any]:
    row, address = place.row, place.address
    return {
        "platform": str(place.platform),
        "provider": str(ProviderName(address.provider)),
        "limit": providers.limit(address),
        "user_id": None if row.user_id is None else row.external_id or ids.public(work, ids.USER, row.user_id),
        "device_id": ids.public(work, ids.DEVICE, row.device_id) if row.device_id else None,
        "topic": address.value if address.kind is AddressKind.TOPIC else None,
    }
