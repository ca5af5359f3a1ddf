"""What a person did, and what was sent to them or why it was not."""

import reflex as rx

from console import theme
from console.components.badges import delivery_badge, platform
from console.components.feedback import empty
from console.components.layout import icon, link
from console.components.tables import Column, list_panel, table
from console.rows.people_person import EventLine, PushLine
from console.states.people_person import PersonHistoryState

PUSHES = (
    Column("Campaign", "grow"),
    Column("What became of it", "fit"),
    Column("Platform", "fit hide-phone"),
    Column("Variant", "fit hide-narrow"),
    Column("When", "fit hide-phone"),
    Column(rx.el.span("Details", class_name="visually-hidden"), "actions"),
)


def events() -> rx.Component:
    state = PersonHistoryState
    return list_panel(
        state.ready,
        state.events.length() > 0,
        rx.el.div(rx.foreach(state.events, _event), class_name="events"),
        empty(
            "activity",
            "No events",
            "What your app tells us about this person's doings is shown here, the latest first.",
        ),
        foot=pager(state.first, state.following),
    )


def _event(one: rx.Var[EventLine]) -> rx.Component:
    head = (
        rx.el.span(one.name, class_name="strong truncate"),
        rx.cond(one.detail != "", rx.el.span(one.detail, class_name="muted"), rx.fragment()),
        rx.el.span(one.at.short, title=one.at.exact, class_name="muted small tnum push-right nowrap"),
    )
    return rx.el.div(
        rx.cond(
            one.properties != "",
            rx.el.details(
                rx.el.summary(icon("chevron-right", theme.ICON_SMALL, class_name="chevron"), *head),
                rx.el.pre(one.properties, class_name="code"),
                class_name="more",
            ),
            rx.el.div(rx.el.span(class_name="chevron-space"), *head, class_name="row event-plain"),
        ),
        class_name="event",
        key=one.key,
    )


def pushes() -> rx.Component:
    state = PersonHistoryState
    return list_panel(
        state.ready,
        state.pushes.length() > 0,
        table(PUSHES, state.pushes, _push),
        empty(
            "send",
            "No pushes",
            "Nothing was meant for this person yet, or what was has been forgotten by your retention.",
        ),
        foot=pager(state.first, state.following),
    )


def _push(row: rx.Var[PushLine]) -> rx.Component:
    campaign = rx.cond(
        row.campaign_href != "",
        link(row.campaign, to=row.campaign_href, class_name="cell cell-title truncate", title=row.campaign),
        rx.el.span(row.campaign, class_name="truncate"),
    )
    return rx.el.tr(
        rx.el.td(
            campaign,
            rx.cond(row.reason != "", rx.el.div(row.reason, class_name="muted small"), rx.fragment()),
            class_name="grow",
        ),
        rx.el.td(delivery_badge(row.state), class_name="fit"),
        rx.el.td(platform(row.platform, row.platform_word), class_name="fit hide-phone"),
        rx.el.td(row.variant, class_name="fit hide-narrow"),
        rx.el.td(rx.el.span(row.at.short, title=row.at.exact), class_name="fit hide-phone"),
        rx.el.td(link("Explain", to=row.href), class_name="actions"),
        key=row.id,
    )


def pager(first: rx.Var[bool], following: rx.Var[str]) -> rx.Component:
    """Newer and older, by the address."""
    back = rx.button(
        "Newer", variant="soft", color_scheme=theme.QUIET, size="1", on_click=rx.call_script("history.back()")
    )
    older = link(
        rx.button("Older", variant="soft", color_scheme=theme.QUIET, size="1"),
        to=following,
        class_name="push-right",
    )
    return rx.cond(
        ~first | (following != ""),
        rx.el.div(
            rx.cond(first, rx.fragment(), back),
            rx.cond(following != "", older, rx.fragment()),
            class_name="panel-foot",
        ),
        rx.fragment(),
    )
