"""States, said by colour, icon and word together."""

from collections.abc import Mapping

import reflex as rx

from console import theme
from console.components.layout import icon
from console.theme import Look


def badge(state: rx.Var[str] | str, looks: Mapping[str, Look]) -> rx.Component:
    """The badge of a state out of a closed list."""
    if isinstance(state, str):
        return _badge(looks[state])
    return rx.match(state, *[(str(name), _badge(look)) for name, look in looks.items()], rx.fragment())


def _badge(look: Look) -> rx.Component:
    return rx.badge(icon(look.icon, theme.ICON_SMALL - 2), look.word, color_scheme=look.tone, variant="soft")


def campaign_badge(state: rx.Var[str]) -> rx.Component:
    return badge(state, theme.CAMPAIGN)


def draft_badge(state: rx.Var[str], approval: rx.Var[str]) -> rx.Component:
    """Of a draft that a second member was asked about, how far that is; else the campaign's state."""
    return rx.cond(approval != "", badge(approval, theme.APPROVAL), campaign_badge(state))


def delivery_badge(state: rx.Var[str]) -> rx.Component:
    return badge(state, theme.DELIVERY)


def credential_badge(state: rx.Var[str]) -> rx.Component:
    return badge(state, theme.CREDENTIAL)


def platform(name: rx.Var[str], word: rx.Var[str] | str) -> rx.Component:
    """A platform with its icon."""
    return rx.el.span(
        rx.match(
            name, *[(key, icon(sign, theme.ICON_SMALL)) for key, sign in theme.PLATFORM_ICON.items()], rx.fragment()
        ),
        word,
        class_name="row",
    )
