"""The calendar: what goes out when, by month and by week; a list of days where there is no room."""

import reflex as rx

from console import routes, theme
from console.components.feedback import empty, skeleton_rows
from console.components.layout import icon, link, page_head, panel
from console.rows.calendar import MONTH, NAMES, WEEK, BandLine, DayCell, EntryLine, WeekLine
from console.shell import page
from console.states.calendar import CalendarState
from console.states.session import RANK, SessionState


@page(routes.CALENDAR, "Calendar", on_load=[CalendarState.load], wide=True)
def calendar() -> rx.Component:
    """Arrow keys go on and back."""
    shown = CalendarState.shown
    return rx.fragment(
        page_head(
            rx.el.h1(rx.cond(CalendarState.ready, shown.title, "Calendar"), class_name="truncate calendar-title"),
            _ways(),
            _views(),
        ),
        rx.cond(
            CalendarState.ready,
            rx.el.div(
                _bands(),
                rx.cond(shown.nothing, _nothing(), rx.fragment(_grid(), _agenda())),
                _foot(),
                class_name="stack",
                data_view=shown.view,
            ),
            panel(skeleton_rows(8), flush=True),
        ),
    )


def _ways() -> rx.Component:
    shown = CalendarState.shown

    def way(sign: str, label: str, to: rx.Var[str], mark: str) -> rx.Component:
        button = link(
            icon(sign), to=to, class_name="icon-button", aria_label=label, title=label, custom_attrs={mark: "true"}
        )
        return rx.el.span(button, class_name="row")

    return rx.el.div(
        way("chevron-left", "Previous", shown.previous, "data-previous"),
        link("Today", to=shown.today, class_name="chip"),
        way("chevron-right", "Next", shown.following, "data-following"),
        class_name="row",
    )


def _views() -> rx.Component:
    shown = CalendarState.shown

    def view(name: str, label: str, to: rx.Var[str]) -> rx.Component:
        return link(label, to=to, class_name="", aria_current=rx.cond(shown.view == name, "true", "false"))

    return rx.el.nav(
        view(MONTH, "Month", shown.month), view(WEEK, "Week", shown.week), class_name="segmented", aria_label="View"
    )


def _nothing() -> rx.Component:
    new = link(rx.button(icon("plus"), "New campaign"), to=routes.NEW_CAMPAIGN, class_name="")
    return panel(
        empty(
            "calendar-plus",
            "Nothing goes out in these days",
            "Campaigns appear here once they are scheduled, and stay when they have been sent.",
            rx.cond(SessionState.me.rank >= RANK["editor"], new, rx.fragment()),
        ),
        flush=True,
    )


def _bands() -> rx.Component:
    """What has no day of its own."""

    def band(one: rx.Var[BandLine]) -> rx.Component:
        return link(
            _sign(one.state),
            rx.el.span(one.name, class_name="truncate"),
            rx.el.span("whenever ", rx.el.span(one.event, class_name="mono"), class_name="muted truncate"),
            to=one.href,
            class_name="calendar-entry calendar-band",
            data_state=one.state,
        )

    return rx.cond(
        CalendarState.shown.bands.length() > 0,
        rx.el.div(rx.foreach(CalendarState.shown.bands, band), class_name="calendar-bands"),
        rx.fragment(),
    )


def _grid() -> rx.Component:
    heads = [rx.el.div(name, class_name="calendar-head", role="columnheader") for name in NAMES]
    return rx.el.div(
        rx.el.div(*heads, class_name="calendar-week calendar-heads", role="row"),
        rx.foreach(CalendarState.shown.weeks, _week),
        class_name="panel calendar-grid",
        role="grid",
        aria_label=CalendarState.shown.title,
    )


def _week(week: rx.Var[WeekLine]) -> rx.Component:
    return rx.el.div(rx.foreach(week.days, _cell), class_name="calendar-week", role="row", key=week.key)


def _cell(day: rx.Var[DayCell]) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            link(day.number, to=day.href, class_name="calendar-number", aria_label=day.name, title=day.name),
            _load(day),
            class_name="calendar-top",
        ),
        rx.foreach(day.lines, _entry),
        rx.cond(day.more != "", _more(day), rx.fragment()),
        class_name="calendar-day",
        data_today=day.today,
        data_inside=day.inside,
        data_past=day.past,
        role="gridcell",
        key=day.key,
    )


def _load(day: rx.Var[DayCell]) -> rx.Component:
    """How much the day is for a person; the exact numbers on hover."""
    return rx.cond(
        day.hint != "",
        rx.el.div(
            rx.el.span(day.per_person, class_name="calendar-load-text"),
            rx.el.div(
                rx.el.div(class_name="bar-fill", style={"width": f"{day.load}%"}), class_name="bar", data_tone=day.tone
            ),
            class_name="calendar-load",
            title=day.hint,
            role="img",
            aria_label=day.hint,
        ),
        rx.fragment(),
    )


def _sign(state: rx.Var[str]) -> rx.Component:
    signs = [(str(name), icon(look.icon, theme.ICON_SMALL - 2)) for name, look in theme.CAMPAIGN.items()]
    return rx.match(state, *signs, rx.fragment())


def _entry(one: rx.Var[EntryLine]) -> rx.Component:
    return link(
        _sign(one.state),
        rx.el.span(one.brief, class_name="calendar-clock calendar-brief"),
        rx.el.span(one.clock, class_name="calendar-clock calendar-whole"),
        rx.el.span(one.name, class_name="truncate calendar-name"),
        rx.el.span(one.people, class_name="muted calendar-people"),
        to=one.href,
        class_name="calendar-entry",
        data_state=one.state,
        title=one.hint,
        key=one.key,
    )


def _more(day: rx.Var[DayCell]) -> rx.Component:
    return rx.popover.root(
        rx.popover.trigger(rx.el.button(day.more, type="button", class_name="calendar-more")),
        rx.popover.content(
            rx.el.div(day.name, class_name="strong"),
            rx.el.div(day.hint, class_name="muted small"),
            rx.el.div(rx.foreach(day.every, _entry), class_name="calendar-pop"),
            class_name="stack-s",
            width=theme.POPOVER_WIDE,
        ),
    )


def _agenda() -> rx.Component:
    """The same days one under the other, for narrow screens."""

    def day(one: rx.Var[DayCell]) -> rx.Component:
        return rx.el.section(
            rx.el.div(rx.el.h3(one.name, class_name="agenda-name"), _load(one), class_name="calendar-top"),
            rx.cond(
                one.every.length() > 0,
                rx.foreach(one.every, _entry),
                rx.el.p("Nothing goes out today.", class_name="muted small"),
            ),
            class_name="agenda-day",
            data_today=one.today,
            key=one.key,
        )

    return rx.el.div(
        rx.cond(
            CalendarState.shown.agenda.length() > 0,
            rx.foreach(CalendarState.shown.agenda, day),
            rx.el.p("Nothing goes out in these days.", class_name="muted agenda-day"),
        ),
        class_name="panel agenda",
    )


def _foot() -> rx.Component:
    shown = CalendarState.shown
    return rx.el.p(
        "Times are in ",
        shown.zone,
        ". ",
        shown.reachable,
        "; a bar is full at three pushes a person a day. People of what is planned are those of today.",
        class_name="muted small",
    )
