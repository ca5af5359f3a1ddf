"""Every address of the console, built in one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import reflex as rx

from backend.domain.vocabulary import Role

LOGIN = "/login"
SETUP = "/setup"
OVERVIEW = "/"
CAMPAIGNS = "/campaigns"
NEW_CAMPAIGN = "/campaigns/new"
CAMPAIGN = "/campaigns/[campaign_id]"
EDIT_CAMPAIGN = "/campaigns/[campaign_id]/edit"
SEGMENTS = "/segments"
NEW_SEGMENT = "/segments/new"
SEGMENT = "/segments/[segment_id]"
DELIVERIES = "/deliveries"
DELIVERY = "/deliveries/[delivery_id]"
PEOPLE = "/people"
PERSON = "/people/[person_id]"
LISTS = "/lists"
LIST = "/lists/[list_id]"
IMPORTS = "/import"
IMPORT = "/import/[import_id]"
TEMPLATES = "/templates"
NEW_TEMPLATE = "/templates/new"
TEMPLATE = "/templates/[template_id]"
BLOCKS = "/blocks"
NEW_BLOCK = "/blocks/new"
BLOCK = "/blocks/[block_id]"
APPS = "/apps"
CHANNELS = "/channels"
POLICIES = "/policies"
CALENDAR = "/calendar"
HEALTH = "/health"
SIMULATOR = "/simulator"
SIGN_IN = "/auth/login"
SIGN_UP = "/auth/setup"
SIGN_OUT = "/auth/logout"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the navigation: where it is, who may open it, and the routes that belong to it.

    A `simulated` one is shown only while this installation's simulator runs.
    """

    label: str
    href: str
    icon: str
    role: Role
    routes: tuple[str, ...]
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Places that belong together, under one small heading."""

    label: str
    places: tuple[Place, ...]


NAVIGATION: tuple[Group, ...] = (
    Group(
        "Engage",
        (
            Place("Overview", OVERVIEW, "layout-dashboard", Role.ANALYST, (OVERVIEW,)),
            Place(
                "Campaigns", CAMPAIGNS, "megaphone", Role.ANALYST, (CAMPAIGNS, NEW_CAMPAIGN, CAMPAIGN, EDIT_CAMPAIGN)
            ),
            Place("Calendar", CALENDAR, "calendar-days", Role.ANALYST, (CALENDAR,)),
        ),
    ),
    Group(
        "Audience",
        (
            Place("People", PEOPLE, "users", Role.ANALYST, (PEOPLE, PERSON)),
            Place("Segments", SEGMENTS, "filter", Role.ANALYST, (SEGMENTS, NEW_SEGMENT, SEGMENT)),
            Place("Lists", LISTS, "list", Role.ANALYST, (LISTS, LIST)),
            Place("Import", IMPORTS, "upload", Role.EDITOR, (IMPORTS, IMPORT)),
        ),
    ),
    Group(
        "Content",
        (
            Place("Templates", TEMPLATES, "layout-template", Role.EDITOR, (TEMPLATES, NEW_TEMPLATE, TEMPLATE)),
            Place("Blocks", BLOCKS, "blocks", Role.EDITOR, (BLOCKS, NEW_BLOCK, BLOCK)),
        ),
    ),
    Group("Analyse", (Place("Deliveries", DELIVERIES, "send", Role.ANALYST, (DELIVERIES, DELIVERY)),)),
    Group(
        "Admin",
        (
            Place("Apps & credentials", APPS, "key-round", Role.ADMIN, (APPS,)),
            Place("Policies", POLICIES, "shield-check", Role.ADMIN, (POLICIES,)),
            Place("Add a channel", CHANNELS, "cable", Role.EDITOR, (CHANNELS,)),
            Place("Health", HEALTH, "heart-pulse", Role.ADMIN, (HEALTH,)),
            Place("Simulator", SIMULATOR, "cloud-lightning", Role.ADMIN, (SIMULATOR,), simulated=True),
        ),
    ),
)


def campaign(campaign_id: str) -> str:
    return f"{CAMPAIGNS}/{campaign_id}"


def edit_campaign(campaign_id: str, **asked: str) -> str:
    """The composer; `step` names what to open first."""
    return with_query(f"{CAMPAIGNS}/{campaign_id}/edit", asked)


def segment(segment_id: str) -> str:
    return f"{SEGMENTS}/{segment_id}"


def template(template_id: str, **asked: str) -> str:
    """A template; `version` names an old one to look at."""
    return with_query(f"{TEMPLATES}/{template_id}", asked)


def block(block_id: str) -> str:
    return f"{BLOCKS}/{block_id}"


def delivery(delivery_id: str) -> str:
    return f"{DELIVERIES}/{delivery_id}"


def static_list(list_id: str) -> str:
    return f"{LISTS}/{list_id}"


def file_import(import_id: str) -> str:
    return f"{IMPORTS}/{import_id}"


def calendar(**asked: str) -> str:
    """The calendar: `view` is month or week, `date` a day in it."""
    return with_query(CALENDAR, asked)


def new_import(**asked: str) -> str:
    """The page where a file is uploaded, with its `kind` and `list` chosen."""
    return with_query(IMPORTS, asked)


def deliveries(**filters: str | None) -> str:
    """The list of deliveries with these filters set."""
    return with_query(DELIVERIES, filters)


def people(**filters: str | None) -> str:
    """The list of people with these filters set."""
    return with_query(PEOPLE, filters)


def person(person_id: str, **asked: str | None) -> str:
    """One person; `tab` names what to look at first."""
    return with_query(f"{PEOPLE}/{person_id}", asked)


def health(**asked: str) -> str:
    """How sending goes: `open` names a lane to show in full, the rest narrows the dead letters."""
    return with_query(HEALTH, asked)


def with_query(path: str, values: Mapping[str, Any]) -> str:
    """The path with the values that are not empty as its query."""
    query = urlencode({name: value for name, value in values.items() if value})
    return f"{path}?{query}" if query else path


def sign_in(after: str = "") -> str:
    """The sign-in page; `after` is where to go on to."""
    return with_query(LOGIN, {"next": after if after not in ("", OVERVIEW) else ""})


def state_route(route: str) -> rx.Var[bool]:
    """Whether the page shown now belongs to this route."""
    return rx.State.router.route_id == ("/index" if route == OVERVIEW else route)
