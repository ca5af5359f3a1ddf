"""What can be done about a person, and the dialogs in front of it."""

import reflex as rx

from console import theme
from console.components.confirm import confirm
from console.components.feedback import note
from console.components.forms import choose, choose_from, field, text_input
from console.components.layout import icon, link
from console.pages.people.profile import may
from console.rows.people_person import KINDS
from console.states.people_actions import PersonActionsState
from console.states.people_person import PersonState

GOES = "Profile, attributes, devices, events, preferences, consents and places in lists are deleted."
STAYS = "Counts of what was sent stay, without the person; so does the audit trail, with an id that nobody can resolve."


def actions() -> rx.Component:
    state = PersonActionsState
    return rx.fragment(
        may("editor", _quiet("send", "Send a test", state.show_test(True))),
        may("editor", _unsubscribe()),
        may("editor", _quiet("download", "Export", state.export)),
        may(
            "admin",
            rx.button(
                icon("eraser", theme.ICON_SMALL),
                "Erase",
                variant="soft",
                color_scheme=theme.BAD,
                on_click=state.show_erase(True),
            ),
        ),
    )


def _quiet(sign: str, label: str, event) -> rx.Component:
    return rx.button(icon(sign, theme.ICON_SMALL), label, variant="soft", color_scheme=theme.QUIET, on_click=event)


def _unsubscribe() -> rx.Component:
    shown = PersonState.shown
    off = confirm(
        rx.button(icon("bell-off", theme.ICON_SMALL), "Unsubscribe", variant="soft", color_scheme=theme.QUIET),
        f"Unsubscribe {shown.whom}?",
        f"Nothing is sent to {shown.switchable} of their devices any more, mandatory categories included. You can subscribe them again; an app that registers its device again does so too.",
        "Unsubscribe",
        PersonState.unsubscribe,
        keep="Keep subscribed",
    )
    on = _quiet("bell", "Subscribe again", PersonState.resubscribe)
    return rx.cond(shown.switchable > 0, off, rx.cond(shown.switched > 0, on, rx.fragment()))


def dialogs() -> rx.Component:
    return rx.fragment(_attribute(), _erase(), _test())


def _dialog(title, text, form: rx.Component, is_open, on_open_change) -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(title, size="4"),
            rx.dialog.description(text, class_name="dialog-text"),
            form,
            max_width=theme.DIALOG,
        ),
        open=is_open,
        on_open_change=on_open_change,
    )


def _buttons(label: str, **props) -> rx.Component:
    cancel = rx.dialog.close(rx.button("Cancel", variant="soft", color_scheme=theme.QUIET, type="button"))
    return rx.el.div(cancel, rx.button(label, type="submit", **props), class_name="dialog-actions")


def _attribute() -> rx.Component:
    shown = PersonActionsState.form
    name = rx.cond(
        shown.new,
        field(
            "Name",
            text_input(
                "attribute_name",
                required=True,
                max_length=64,
                placeholder="plan",
                auto_complete="off",
                spell_check=False,
            ),
            name="attribute_name",
        ),
        rx.fragment(),
    )
    form = rx.form(
        rx.el.div(
            name,
            field("Kind", choose("attribute_kind", KINDS, default_value=shown.kind), name="attribute_kind"),
            field(
                "Value",
                text_input("attribute_value", default_value=shown.value, auto_complete="off"),
                name="attribute_value",
                help_text="A list has commas between its items.",
                error=shown.problem,
            ),
            _buttons("Save"),
            class_name="stack after-l",
        ),
        on_submit=PersonActionsState.save_attribute,
        key=f"attribute-{PersonActionsState.revision}",
    )
    title = rx.cond(shown.new, "Add an attribute", f"Change {shown.name}")
    return _dialog(title, "Rules and texts read it from now on.", form, shown.open, PersonActionsState.show_attribute)


def _erase() -> rx.Component:
    shown, state = PersonState.shown, PersonActionsState
    form = rx.form(
        rx.el.div(
            rx.el.p(rx.el.span("Goes: ", class_name="strong"), GOES),
            rx.el.p(rx.el.span("Stays: ", class_name="strong"), STAYS),
            field(
                rx.fragment("Type ", rx.el.span(shown.typed, class_name="mono"), " to confirm"),
                text_input("typed", auto_complete="off", spell_check=False, invalid=state.problem != ""),
                name="typed",
                error=state.problem,
            ),
            _buttons("Erase for good", color_scheme=theme.BAD),
            class_name="stack after-l",
        ),
        on_submit=state.erase,
    )
    return _dialog(f"Erase {shown.whom}?", "This cannot be undone.", form, state.erasing, state.show_erase)


def _test() -> rx.Component:
    state = PersonActionsState
    form = rx.form(
        rx.el.div(
            field(
                "Campaign",
                choose_from("campaign", state.campaigns, required=True),
                name="campaign",
                help_text="As it stands now. No statistic counts a test.",
            ),
            rx.cond(state.problem != "", note(state.problem, tone=theme.BAD), rx.fragment()),
            rx.cond(
                state.tested != "",
                note("Sent. ", link("See what becomes of it", to=state.tested), tone=theme.GOOD),
                rx.fragment(),
            ),
            _buttons("Send test"),
            class_name="stack after-l",
        ),
        on_submit=state.send_test,
    )
    none = note("There is no campaign yet to send.", tone=theme.CARE)
    body = rx.cond(state.campaigns.length() > 0, form, rx.el.div(none, class_name="after-l"))
    return _dialog(
        "Send a test", f"To all active devices of {PersonState.shown.whom}.", body, state.testing, state.show_test
    )
