"""The list of people: search, filters, rows."""

import reflex as rx

from console import routes, theme
from console.components.feedback import empty, note
from console.components.layout import icon, link
from console.components.tables import Column, list_panel, table
from console.rows.people import Chip, Mark, PersonLine
from console.states.people import PeopleState

COLUMNS = (
    Column("Person", "grow"),
    Column("Devices", "fit"),
    Column("Language", "fit hide-phone"),
    Column("Time zone", "fit hide-narrow"),
    Column("Sessions", "num hide-narrow"),
    Column("Last active", "fit hide-phone"),
)


def listing() -> rx.Component:
    return rx.fragment(
        _toolbar(),
        rx.cond(
            PeopleState.problem != "",
            rx.el.div(note(PeopleState.problem, tone=theme.CARE), class_name="under-l"),
            rx.fragment(),
        ),
        list_panel(
            PeopleState.ready,
            PeopleState.rows.length() > 0,
            table(COLUMNS, PeopleState.rows, _row),
            rx.cond(
                PeopleState.looked != "", _further(), rx.cond(PeopleState.narrowed, _nobody_found(), _nobody_yet())
            ),
            foot=_pager(),
        ),
    )


def _toolbar() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.input(
                id="people-search",
                type="search",
                placeholder="User id, token, dev_… or plan:pro",
                title="A user id or its beginning, a device token or endpoint, a dev_ or dlv_ id, or an attribute such as plan:pro",
                aria_label="Search people",
                class_name="input",
                default_value=PeopleState.text,
                key=rx.cond(PeopleState.ready, "ready", "loading"),
                auto_complete="off",
                spell_check=False,
                on_change=PeopleState.look_for.debounce(400),
            ),
            class_name="grow",
        ),
        rx.el.div(rx.foreach(PeopleState.chips, _chip), class_name="chips"),
        class_name="toolbar",
    )


def _chip(chip: rx.Var[Chip]) -> rx.Component:
    return link(
        chip.label, to=chip.href, class_name="chip", role="button", aria_pressed=rx.cond(chip.on, "true", "false")
    )


def _row(row: rx.Var[PersonLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            link(
                rx.el.div(
                    row.name, class_name=rx.cond(row.named, "cell-title truncate", "muted truncate"), title=row.name
                ),
                rx.cond(row.under != "", rx.el.div(row.under, class_name="muted small mono truncate"), rx.fragment()),
                rx.el.div("Last active ", row.active.short, class_name="muted small only-phone"),
                to=row.href,
                class_name="cell",
            ),
            class_name="grow",
        ),
        rx.el.td(_marks(row), class_name="fit"),
        rx.el.td(row.place, class_name="fit hide-phone"),
        rx.el.td(rx.cond(row.zone != "", row.zone, "–"), class_name="fit hide-narrow"),
        rx.el.td(row.sessions, class_name="num hide-narrow"),
        rx.el.td(rx.el.span(row.active.short, title=row.active.exact), class_name="fit hide-phone"),
        key=row.id,
    )


def _marks(row: rx.Var[PersonLine]) -> rx.Component:
    return rx.cond(
        row.marks.length() > 0,
        rx.el.span(
            rx.foreach(row.marks, _mark),
            rx.cond(row.more != "", rx.el.span(row.more, class_name="muted small"), rx.fragment()),
            class_name="person-marks",
            title=row.devices,
        ),
        rx.el.span("None", class_name="muted"),
    )


def _mark(mark: rx.Var[Mark]) -> rx.Component:
    """The platform's icon; a small sign beside it says what is wrong, so that colour never speaks alone."""
    signs = [
        (state, icon(look.icon, theme.ICON_SMALL - 3)) for state, look in theme.DEVICE.items() if state != "active"
    ]
    return rx.el.span(
        rx.match(
            mark.platform,
            *[(key, icon(sign, theme.ICON_SMALL)) for key, sign in theme.PLATFORM_ICON.items()],
            rx.fragment(),
        ),
        rx.match(mark.state, *signs, rx.fragment()),
        rx.el.span(mark.title, class_name="visually-hidden"),
        class_name="mark-device",
        data_state=mark.state,
        title=mark.title,
    )


def _nobody_found() -> rx.Component:
    return empty(
        "search-x",
        "Nobody found",
        "Nobody has such an id, address or attribute, or a filter leaves them out.",
        link(rx.button("Show everybody", variant="soft"), to=routes.PEOPLE, class_name=""),
    )


def _nobody_yet() -> rx.Component:
    return empty(
        "users",
        "No people yet",
        "People come here when your app registers a device, when your back end tells us about them, or from a file.",
        link(rx.button("See how to connect an app"), to=routes.CHANNELS, class_name=""),
    )


def _further() -> rx.Component:
    return empty(
        "search",
        "Nobody so far",
        rx.fragment("Nobody fits among the ", PeopleState.looked, " people looked at. There are more."),
        link(rx.button("Look further", variant="soft"), to=PeopleState.following, class_name=""),
    )


def _pager() -> rx.Component:
    looked = rx.cond(
        PeopleState.looked != "",
        rx.el.span("Of the ", PeopleState.looked, " people looked at", class_name="muted small"),
        rx.fragment(),
    )
    back = rx.button(
        "Back", variant="soft", color_scheme=theme.QUIET, size="1", on_click=rx.call_script("history.back()")
    )
    following = rx.button(
        rx.cond(PeopleState.looked != "", "Look further", "Next"), variant="soft", color_scheme=theme.QUIET, size="1"
    )
    return rx.cond(
        ~PeopleState.first | (PeopleState.following != ""),
        rx.el.div(
            rx.cond(PeopleState.first, rx.fragment(), back),
            looked,
            rx.cond(
                PeopleState.following != "",
                link(following, to=PeopleState.following, class_name="push-right"),
                rx.fragment(),
            ),
            class_name="panel-foot",
        ),
        rx.fragment(),
    )
