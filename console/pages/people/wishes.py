"""What a person wants to hear and when, and what they have consented to."""

import reflex as rx

from console import theme
from console.components.feedback import empty, note, skeleton_text
from console.components.forms import choose, field, text_input
from console.components.layout import icon, panel
from console.components.tables import Column, list_panel, table
from console.pages.people.history import pager
from console.pages.people.profile import may
from console.rows.people_wishes import ChangeLine, ConsentLine, DayBox, DeviceWord, WishLine
from console.states.people_wishes import WishesState, WishHistoryState
from console.states.session import RANK, SessionState

COLUMNS = (
    Column("Purpose", ""),
    Column("Answer", "fit"),
    Column("How", "grow hide-phone"),
    Column("Said", "fit"),
    Column("Recorded by", "fit hide-narrow"),
)
CHANGED = (
    Column("What, from what to what", "grow"),
    Column("By whom", "fit hide-phone"),
    Column("When", "fit"),
)


def wishes() -> rx.Component:
    return rx.cond(
        WishesState.ready,
        rx.el.div(
            rx.el.div(_categories(), _times(), class_name="person-even"),
            _history(),
            _consents(),
            _add(),
            class_name="stack-l",
        ),
        panel(skeleton_text(5)),
    )


def _categories() -> rx.Component:
    copy = rx.button(
        icon("link", theme.ICON_SMALL),
        "Copy preference link",
        size="1",
        variant="soft",
        color_scheme=theme.QUIET,
        on_click=WishesState.copy_link,
    )
    return panel(
        rx.el.div(rx.foreach(WishesState.wishes, _category), class_name="stack"),
        title="Categories",
        aside=may("editor", copy),
    )


def _category(one: rx.Var[WishLine]) -> rx.Component:
    return rx.el.div(_wish(one), rx.foreach(one.devices, _device), key=one.slug)


def _device(one: rx.Var[DeviceWord]) -> rx.Component:
    """What was said for a device, under the person's own word."""
    again = rx.button(
        "Follow the person",
        size="1",
        variant="ghost",
        color_scheme=theme.QUIET,
        on_click=WishesState.follow(one.slug, one.device),
    )
    return rx.el.div(
        icon("corner-down-right", theme.ICON_SMALL),
        rx.el.span(
            rx.el.span(rx.cond(one.on, "On: ", "Off: "), one.title, class_name="truncate"),
            rx.el.span(one.said, class_name="field-help", title=one.at.exact),
            class_name="stack-xs",
        ),
        rx.el.span(may("editor", again), class_name="push-right"),
        class_name="wish-device",
        key=one.device,
    )


def _wish(one: rx.Var[WishLine]) -> rx.Component:
    watching = SessionState.me.rank < RANK["editor"]
    return rx.el.label(
        rx.cond(
            one.mandatory,
            rx.el.span(icon("lock", theme.ICON_SMALL), class_name="wish-fixed"),
            rx.switch(checked=one.on, disabled=watching, size="1", on_change=WishesState.switch(one.slug)),
        ),
        rx.el.span(
            rx.el.span(one.name),
            rx.el.span(one.said, class_name="field-help", title=one.at.exact),
            class_name="stack-xs",
        ),
        class_name="switch-row",
    )


def _times() -> rx.Component:
    form = WishesState.form
    paused = rx.cond(
        form.until_word != "", f"Paused until {form.until_word}.", "Empty: not paused. In your app's time zone."
    )
    return panel(
        rx.form(
            rx.el.div(
                rx.el.div(
                    field(
                        "Quiet from",
                        text_input("quiet_start", default_value=form.start, type="time"),
                        name="quiet_start",
                    ),
                    field("To", text_input("quiet_end", default_value=form.end, type="time"), name="quiet_end"),
                    class_name="pair",
                ),
                rx.el.fieldset(
                    rx.el.legend("On nights that begin on", class_name="field-label"),
                    rx.el.div(rx.foreach(form.days, _day), class_name="wish-days"),
                ),
                field(
                    "Time zone of the quiet hours",
                    text_input("quiet_zone", default_value=form.zone, placeholder="Each device's own"),
                    name="quiet_zone",
                    help_text="Such as Europe/Warsaw. Both times empty: your app's default. The same time twice: never quiet.",
                ),
                field(
                    "Pause everything until",
                    text_input("paused_until", default_value=form.until, type="datetime-local"),
                    name="paused_until",
                    help_text=paused,
                ),
                rx.cond(WishesState.wrong != "", note(WishesState.wrong, tone=theme.BAD), rx.fragment()),
                may(
                    "editor", rx.el.div(rx.button("Save", type="submit", data_save="true"), class_name="dialog-actions")
                ),
                class_name="stack",
            ),
            on_submit=WishesState.save,
            key=f"wishes-{WishesState.revision}",
        ),
        title="Quiet hours and pause",
    )


def _day(one: rx.Var[DayBox]) -> rx.Component:
    return rx.el.label(
        rx.el.input(type="checkbox", name=one.name, default_checked=one.on),
        one.word,
        class_name="wish-day",
        key=one.name,
    )


def _history() -> rx.Component:
    state = WishHistoryState
    return list_panel(
        state.ready,
        state.changes.length() > 0,
        table(CHANGED, state.changes, _change),
        empty(
            "history",
            "No changes yet",
            "What is changed here, in the app or on the preference page is kept, with who did it.",
        ),
        title="What was changed",
        foot=pager(state.first, state.following),
    )


def _change(one: rx.Var[ChangeLine]) -> rx.Component:
    where = rx.cond(one.where != "", rx.el.span(" on ", one.where, class_name="muted"), rx.fragment())
    return rx.el.tr(
        rx.el.td(
            rx.el.div(one.what, where),
            rx.el.div(one.before, " → ", rx.el.span(one.after, class_name="strong"), class_name="small wish-change"),
            class_name="grow",
        ),
        rx.el.td(rx.el.div(one.by, class_name="truncate", title=one.by), class_name="fit hide-phone clip"),
        rx.el.td(rx.el.span(one.at.short, title=one.at.exact), class_name="fit"),
        key=one.key,
    )


def _consents() -> rx.Component:
    add = rx.button(
        icon("plus", theme.ICON_SMALL),
        "Record a consent",
        size="1",
        variant="soft",
        color_scheme=theme.QUIET,
        on_click=WishesState.show_add(True),
    )
    return panel(
        rx.cond(
            WishesState.consents.length() > 0,
            rx.fragment(
                table(COLUMNS, WishesState.consents, _consent),
                rx.cond(
                    WishesState.more,
                    rx.el.div("The newest 100 are shown; the export has all.", class_name="panel-foot muted small"),
                    rx.fragment(),
                ),
            ),
            empty(
                "file-check",
                "No consents recorded",
                "An entry says who agreed or declined, to what, when and how. It is proof, and decides nothing by itself.",
            ),
        ),
        title="Consents",
        aside=may("editor", add),
        flush=True,
    )


def _consent(one: rx.Var[ConsentLine]) -> rx.Component:
    yes = rx.badge(icon("check", theme.ICON_SMALL - 2), "Yes", color_scheme=theme.GOOD, variant="soft")
    no = rx.badge(icon("x", theme.ICON_SMALL - 2), "No", color_scheme=theme.QUIET, variant="soft")
    return rx.el.tr(
        rx.el.td(one.purpose, rx.cond(one.holds, rx.el.div("Holds now", class_name="muted small"), rx.fragment())),
        rx.el.td(rx.cond(one.given, yes, no), class_name="fit"),
        rx.el.td(rx.el.div(one.how, class_name="truncate", title=one.how), class_name="grow hide-phone"),
        rx.el.td(rx.el.span(one.at.short, title=one.at.exact), class_name="fit"),
        rx.el.td(rx.el.div(one.by, class_name="truncate", title=one.by), class_name="fit hide-narrow clip"),
        key=one.key,
    )


def _add() -> rx.Component:
    cancel = rx.dialog.close(rx.button("Cancel", variant="soft", color_scheme=theme.QUIET, type="button"))
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Record a consent", size="4"),
            rx.dialog.description("It is kept with your name, and never changed.", class_name="dialog-text"),
            rx.form(
                rx.el.div(
                    field(
                        "Purpose",
                        text_input(
                            "purpose", placeholder="marketing", required=True, max_length=64, auto_complete="off"
                        ),
                        name="purpose",
                        help_text="A category's slug, or a word of your own.",
                    ),
                    field(
                        "Answer",
                        choose("answer", (("yes", "Yes, they agree"), ("no", "No, they decline"))),
                        name="answer",
                    ),
                    field(
                        "How it was said",
                        text_input("how", placeholder="By phone, form of May 2026", max_length=500),
                        name="how",
                    ),
                    field(
                        "When",
                        text_input("said_at", type="datetime-local"),
                        name="said_at",
                        help_text="Empty: now. In your app's time zone.",
                    ),
                    rx.cond(WishesState.problem != "", note(WishesState.problem, tone=theme.BAD), rx.fragment()),
                    rx.el.div(cancel, rx.button("Record", type="submit"), class_name="dialog-actions"),
                    class_name="stack after-l",
                ),
                on_submit=WishesState.add_consent,
            ),
            max_width=theme.DIALOG,
        ),
        open=WishesState.adding,
        on_open_change=WishesState.show_add,
    )
