"""⌘K: every page and campaign by name, from the keyboard."""

import reflex as rx
from reflex.experimental import ClientStateVar

from console import routes, theme
from console.components.layout import icon, link
from console.states.session import RANK, Hit, SessionState

_open = ClientStateVar.create("palette_open", default=False)
_text = ClientStateVar.create("palette_text", default="")


def palette_open(value: bool):
    """The event that opens or closes it."""
    return [_open.set_value(value), _text.set_value("")]


def palette() -> rx.Component:
    """The dialog itself; once on every page."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Go to", class_name="visually-hidden"),
            rx.dialog.description("Type a page or a campaign", class_name="visually-hidden"),
            rx.el.input(
                placeholder="Go to a page or campaign",
                aria_label="Go to a page or campaign",
                class_name="palette-input",
                auto_focus=True,
                auto_complete="off",
                on_change=[_text.set_value, SessionState.look_for.debounce(200)],
                on_focus=SessionState.look_for("").throttle(1000),
            ),
            rx.el.div(
                rx.el.div("Pages", class_name="palette-group"),
                *[_page(place) for group in routes.NAVIGATION for place in group.places],
                _entry("New campaign", "plus", routes.NEW_CAMPAIGN, rank=RANK["editor"]),
                rx.cond(
                    SessionState.hits.length() > 0,
                    rx.fragment(
                        rx.el.div("Campaigns", class_name="palette-group"), rx.foreach(SessionState.hits, _hit)
                    ),
                    rx.fragment(),
                ),
                class_name="palette-list",
            ),
            class_name="palette",
        ),
        open=_open.value,
        on_open_change=_open.set_value,
    )


def _page(place: routes.Place) -> rx.Component:
    entry = _entry(place.label, place.icon, place.href, rank=place.role.rank)
    return rx.cond(SessionState.simulator, entry, rx.fragment()) if place.simulated else entry


def _entry(label: str, sign: str, href: str, *, rank: int) -> rx.Component:
    fits = rx.Var.create(label.lower()).contains(_text.value.to(str).lower())
    item = link(icon(sign), label, to=href, class_name="palette-item", on_click=_open.set_value(False))
    return rx.cond(fits & (SessionState.me.rank >= rank), item, rx.fragment())


def _hit(hit: rx.Var[Hit]) -> rx.Component:
    return link(
        icon("megaphone"),
        rx.el.span(hit.label, class_name="truncate"),
        rx.match(
            hit.state,
            *[
                (str(state), rx.el.span(look.word, class_name="push-right muted small"))
                for state, look in theme.CAMPAIGN.items()
            ],
            rx.fragment(),
        ),
        to=hit.href,
        class_name="palette-item",
        on_click=_open.set_value(False),
    )
