"""⌘K: every page, and people, segments, lists, templates and campaigns as one types, from the keyboard."""

from functools import reduce
from operator import or_

import reflex as rx
from reflex.experimental import ClientStateVar

from backend.domain.vocabulary import Role
from console import routes, theme
from console.components.feedback import note
from console.components.layout import icon, link
from console.rows.palette import Hit
from console.states.palette import LONGEST, PaletteState
from console.states.session import RANK, SessionState

NAME = "People, segments, lists, templates, campaigns…"
ABOUT = "Type the name of a page, segment, list, template or campaign, the id of a person or the token of a device"
NEW_CAMPAIGN = routes.Place("New campaign", routes.NEW_CAMPAIGN, "plus", Role.EDITOR, ())
PLACES = (*(place for group in routes.NAVIGATION for place in group.places), NEW_CAMPAIGN)

_open = ClientStateVar.create("palette_open", default=False)
_text = ClientStateVar.create("palette_text", default="")
_typed = _text.value.to(str)
_asks = _typed.strip() != ""
_fresh = PaletteState.answered == _typed
_busy = _asks & ~_fresh


def palette_open(value: bool):
    """The event that opens or closes it."""
    return [_open.set_value(value), _text.set_value(""), PaletteState.look_for("")]


def palette() -> rx.Component:
    """The dialog itself; once on every page."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Search", class_name="visually-hidden"),
            rx.dialog.description(ABOUT, class_name="visually-hidden"),
            _input(),
            rx.el.div(_pages(), _things(), _instead(), class_name="palette-list", aria_busy=_busy),
            _keys(),
            class_name="palette",
        ),
        open=_open.value,
        on_open_change=_open.set_value,
    )


def _input() -> rx.Component:
    return rx.el.div(
        icon("search"),
        rx.el.input(
            placeholder=NAME,
            aria_label=ABOUT,
            class_name="palette-input",
            auto_focus=True,
            auto_complete="off",
            spell_check=False,
            max_length=LONGEST,
            on_change=[_text.set_value, PaletteState.look_for.debounce(200)],
        ),
        rx.cond(_busy, rx.spinner(size="1"), rx.fragment()),
        class_name="palette-head",
    )


def _pages() -> rx.Component:
    return rx.cond(_any_page(), _group("Pages", *[_page(place) for place in PLACES]), rx.fragment())


def _page(place: routes.Place) -> rx.Component:
    entry = link(
        icon(place.icon), place.label, to=place.href, class_name="palette-item", on_click=_open.set_value(False)
    )
    return rx.cond(_fits(place), entry, rx.fragment())


def _fits(place: routes.Place) -> rx.Var[bool]:
    """Whether the member may go there, and a word of its name begins as typed."""
    begins = rx.Var.create(f" {place.label.lower()}").contains(" " + _typed.strip().lower())
    fits = begins & (SessionState.me.rank >= RANK[place.role.value])
    return fits & SessionState.simulator if place.simulated else fits


def _any_page() -> rx.Var[bool]:
    return reduce(or_, [_fits(place) for place in PLACES])


def _things() -> rx.Component:
    """What was found stays, paler, while one types on."""
    found = PaletteState.hits
    groups = rx.el.div(
        _kind("People", "user", found.people),
        _kind("Segments", "filter", found.segments),
        _kind("Lists", "list", found.lists),
        _kind("Templates", "layout-template", found.templates),
        _kind(rx.cond(PaletteState.answered == "", "Recent campaigns", "Campaigns"), "megaphone", found.campaigns),
        class_name="palette-things",
        data_stale=_busy,
    )
    return rx.cond(found.some & (_fresh | _asks), groups, rx.fragment())


def _kind(heading: rx.Var[str] | str, sign: str, found: rx.Var[tuple[Hit, ...]]) -> rx.Component:
    return rx.cond(found.length() > 0, _group(heading, rx.foreach(found, lambda hit: _hit(sign, hit))), rx.fragment())


def _hit(sign: str, hit: rx.Var[Hit]) -> rx.Component:
    return link(
        icon(sign),
        rx.el.span(hit.label, class_name="truncate"),
        rx.el.span(hit.note, class_name="push-right muted small palette-note"),
        to=hit.href,
        class_name="palette-item",
        on_click=_open.set_value(False),
    )


def _group(heading: rx.Var[str] | str, *items: rx.Component) -> rx.Component:
    return rx.el.div(
        rx.el.div(heading, class_name="palette-heading"), *items, role="group", aria_label=heading, class_name="stack-0"
    )


def _instead() -> rx.Component:
    """Where there is nothing to choose: that it is being looked for, or what was not found."""
    nothing = rx.el.span("Nothing found for ", rx.el.span(_typed.strip(), class_name="strong"))
    said = rx.cond(_busy, "Searching…", nothing)
    return rx.el.div(
        rx.cond(
            _asks & _fresh & (PaletteState.problem != ""), note(PaletteState.problem, tone=theme.CARE), _said(said)
        ),
        role="status",
    )


def _said(said: rx.Var | rx.Component) -> rx.Component:
    empty = _asks & ~PaletteState.hits.some & ~_any_page()
    return rx.cond(empty, rx.el.div(said, class_name="palette-instead muted"), rx.fragment())


def _keys() -> rx.Component:
    hints = (("↑↓", "choose"), ("Enter", "open"), ("Esc", "close"))
    return rx.el.div(
        *[rx.el.span(rx.el.span(key, class_name="kbd"), what) for key, what in hints],
        class_name="palette-keys muted small",
        aria_hidden="true",
    )
