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
DELIVERIES = "/deliveries"
DELIVERY = "/deliveries/[delivery_id]"
APPS = "/apps"
CHANNELS = "/channels"
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
        ),
    ),
    Group("Analyse", (Place("Deliveries", DELIVERIES, "send", Role.ANALYST, (DELIVERIES, DELIVERY)),)),
    Group(
        "Admin",
        (
            Place("Apps & credentials", APPS, "key-round", Role.ADMIN, (APPS,)),
            Place("Add a channel", CHANNELS, "cable", Role.EDITOR, (CHANNELS,)),
            Place("Health", HEALTH, "heart-pulse", Role.ADMIN, (HEALTH,)),
            Place("Simulator", SIMULATOR, "cloud-lightning", Role.ADMIN, (SIMULATOR,), simulated=True),
        ),
    ),
)


def campaign(campaign_id: str) -> str:
    return f"{CAMPAIGNS}/{campaign_id}"


def edit_campaign(campaign_id: str) -> str:
    return f"{CAMPAIGNS}/{campaign_id}/edit"


def delivery(delivery_id: str) -> str:
    return f"{DELIVERIES}/{delivery_id}"


def deliveries(**filters: str | None) -> str:
    """The list of deliveries with these filters set."""
    return with_query(DELIVERIES, filters)


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
