"""Campaigns: found, watched while they run, stopped."""

import reflex as rx

from console import routes
from console.components.campaign_table import campaign_table
from console.components.confirm import confirm
from console.components.feedback import empty
from console.components.layout import icon, icon_button, link, page_head
from console.components.poll import every
from console.components.tables import list_panel
from console.rows.campaigns import CampaignLine
from console.shell import page
from console.states.campaigns import CampaignsState, StateFilter
from console.states.session import RANK, SessionState

EDITOR = SessionState.me.rank >= RANK["editor"]


@page(routes.CAMPAIGNS, "Campaigns", on_load=[CampaignsState.load])
def campaigns() -> rx.Component:
    """The list with its search, filters and live rows."""
    return rx.fragment(
        page_head("Campaigns", _new()),
        _toolbar(),
        rx.cond(
            CampaignsState.live,
            every(1000, CampaignsState.refresh),
            rx.cond(
                CampaignsState.pending,
                every(10_000, CampaignsState.refresh),
                rx.fragment(),
            ),
        ),
        list_panel(
            CampaignsState.ready,
            CampaignsState.rows.length() > 0,
            campaign_table(CampaignsState.rows, CampaignsState.live, _actions),
            rx.cond((CampaignsState.search != "") | (CampaignsState.only != ""), _no_match(), _first()),
            foot=_more(),
        ),
    )


def _new() -> rx.Component:
    return rx.cond(
        EDITOR, link(rx.button(icon("plus"), "New campaign"), to=routes.NEW_CAMPAIGN, class_name=""), rx.fragment()
    )


def _toolbar() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.input(
                id="search",
                type="search",
                placeholder="Search campaigns",
                aria_label="Search campaigns",
                class_name="input",
                default_value=CampaignsState.search,
                key=rx.cond(CampaignsState.ready, "ready", "loading"),
                on_change=CampaignsState.look_for.debounce(250),
            ),
            class_name="grow",
        ),
        rx.el.nav(
            _chip("", "All", ""),
            rx.foreach(CampaignsState.filters, lambda it: _chip(it.value, it.label, it.count)),
            class_name="chips",
            aria_label="State",
        ),
        class_name="toolbar",
    )


def _chip(value, label, count) -> rx.Component:
    to = rx.cond(value == "", routes.CAMPAIGNS, f"{routes.CAMPAIGNS}?state={value}")
    return link(
        label,
        rx.cond(count != "", rx.el.span(count, class_name="tnum"), rx.fragment()),
        to=to,
        class_name="chip",
        aria_pressed=CampaignsState.only == value,
        role="button",
    )


def _actions(row: rx.Var[CampaignLine]) -> rx.Component:
    return rx.cond(
        EDITOR,
        rx.el.div(
            rx.match(
                row.state,
                (
                    "running",
                    rx.fragment(icon_button("pause", "Pause", on_click=CampaignsState.pause(row.id)), _cancel(row)),
                ),
                (
                    "paused",
                    rx.fragment(icon_button("play", "Resume", on_click=CampaignsState.resume(row.id)), _cancel(row)),
                ),
                (
                    "active",
                    rx.fragment(icon_button("pause", "Pause", on_click=CampaignsState.pause(row.id)), _cancel(row)),
                ),
                (
                    "scheduled",
                    rx.fragment(
                        icon_button("calendar-x", "Unschedule", on_click=CampaignsState.unschedule(row.id)),
                        _cancel(row),
                    ),
                ),
                ("draft", _delete(row, "Delete draft", "The draft and its text are gone for good.")),
                ("finished", _delete(row, "Archive", "It leaves the list; its report and numbers stay.")),
                ("cancelled", _delete(row, "Archive", "It leaves the list; its report and numbers stay.")),
                rx.fragment(),
            ),
            icon_button(
                "copy-plus", "Duplicate", on_click=CampaignsState.duplicate(row.id), class_name="icon-button hide-phone"
            ),
            class_name="row-actions",
        ),
        rx.fragment(),
    )


def _cancel(row: rx.Var[CampaignLine]) -> rx.Component:
    return confirm(
        icon_button("x", "Cancel"),
        "Cancel this campaign?",
        rx.fragment("“", row.name, "” stops for good. What has been sent stays sent; nothing more goes out."),
        "Cancel campaign",
        CampaignsState.cancel(row.id),
    )


def _delete(row: rx.Var[CampaignLine], action: str, consequence: str) -> rx.Component:
    sign = "trash-2" if action.startswith("Delete") else "archive"
    return confirm(
        icon_button(sign, action),
        f"{action}?",
        rx.fragment("“", row.name, "”: ", consequence[0].lower() + consequence[1:]),
        action,
        CampaignsState.delete(row.id),
    )


def _first() -> rx.Component:
    return empty(
        "megaphone", "No campaigns yet", "Write a notification, pick who gets it, and watch it go out.", _new()
    )


def _no_match() -> rx.Component:
    return empty(
        "search-x",
        "No campaign matches",
        "Try another name, or look at all states.",
        link(rx.button("Show all", variant="soft"), to=routes.CAMPAIGNS, class_name=""),
    )


def _more() -> rx.Component:
    to = f"{routes.CAMPAIGNS}?search={CampaignsState.search}&state={CampaignsState.only}&cursor={CampaignsState.following}"
    return rx.cond(
        CampaignsState.following != "",
        rx.el.div(link("Older campaigns", to=to), class_name="panel-foot"),
        rx.fragment(),
    )


__all__ = ["StateFilter", "campaigns"]
