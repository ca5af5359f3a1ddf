"""People: the list, and one of them."""

import reflex as rx

from console import routes
from console.components.badges import badge
from console.components.feedback import missing, skeleton_text
from console.components.layout import back_link, link, page_head, panel
from console.components.verdict import why_button, why_of_person
from console.pages.people.actions import actions, dialogs
from console.pages.people.health import token_health
from console.pages.people.history import events, pushes
from console.pages.people.listing import listing
from console.pages.people.profile import profile
from console.pages.people.wishes import wishes
from console.shell import page
from console.states.people import PeopleState, TokenHealthState
from console.states.people_person import PersonHistoryState, PersonState
from console.states.people_wishes import WishesState, WishHistoryState
from console.states.verdicts import VerdictState
from console.theme import NAMELESS

TABS = (("profile", "Profile"), ("events", "Events"), ("pushes", "Pushes"), ("wishes", "Preferences & consents"))


@page(routes.PEOPLE, "People", on_load=[PeopleState.load, TokenHealthState.load])
def people() -> rx.Component:
    """Everybody whom the app knows, or how good their addresses are."""
    return rx.fragment(page_head("People", _views()), rx.cond(PeopleState.health, token_health(), listing()))


def _views() -> rx.Component:
    return rx.el.nav(
        link("List", to=routes.PEOPLE, class_name="", aria_current=rx.cond(PeopleState.health, "false", "true")),
        link(
            "Token health",
            to=routes.people(view="health"),
            class_name="",
            aria_current=rx.cond(PeopleState.health, "true", "false"),
        ),
        class_name="segmented",
        aria_label="View",
    )


@page(
    routes.PERSON,
    "Person",
    on_load=[PersonState.load, PersonHistoryState.load, WishesState.load, WishHistoryState.load, VerdictState.load],
)
def person() -> rx.Component:
    """One person, in tabs."""
    shown = PersonState.shown
    name = rx.cond(PersonState.ready, shown.name, "Person")
    return rx.cond(
        PersonState.missing,
        panel(missing("person", routes.PEOPLE, "All people"), flush=True),
        rx.fragment(
            page_head(
                name,
                rx.cond(PersonState.ready, rx.fragment(why_button(), actions()), rx.fragment()),
                badge=rx.cond(PersonState.ready & ~shown.named, badge("anonymous", NAMELESS), rx.fragment()),
                back=back_link("People", routes.PEOPLE),
            ),
            _tabs(),
            rx.match(
                PersonState.tab,
                ("events", events()),
                ("pushes", pushes()),
                ("wishes", wishes()),
                rx.cond(PersonState.ready, profile(), panel(skeleton_text(5))),
            ),
            dialogs(),
            why_of_person(),
        ),
    )


def _tabs() -> rx.Component:
    def tab(name: str, label: str) -> rx.Component:
        return link(
            label,
            to=f"{routes.PEOPLE}/{PersonState.shown.id}?tab={name}",
            class_name="",
            aria_current=rx.cond(PersonState.tab == name, "true", "false"),
        )

    return rx.el.nav(*[tab(*one) for one in TABS], class_name="segmented person-tabs", aria_label="Parts of this page")
