"""The dead letters of the health page: with the provider's words, to be sent again or dropped."""

import reflex as rx

from console import routes, theme
from console.components.badges import platform
from console.components.confirm import confirm
from console.components.feedback import empty, note, skeleton_rows
from console.components.forms import choose_from
from console.components.layout import facts, icon, icon_button, link, panel
from console.components.tables import Column, table
from console.rows.dead_letters import LetterLine
from console.states.dead_letters import DeadLettersState

COLUMNS = (
    Column("Failed because", "grow"),
    Column("User", "clip hide-phone"),
    Column("Campaign", "clip hide-phone"),
    Column("Lane", "clip hide-narrow"),
    Column("Tries", "num hide-narrow"),
    Column("When", "fit hide-phone"),
    Column("", "actions"),
)
STATE = DeadLettersState
FILTERED = (STATE.chosen.campaign_id != "") | (STATE.chosen.lane != "") | (STATE.chosen.reason != "")


def letters() -> rx.Component:
    return panel(
        rx.cond(STATE.ready, _loaded(), skeleton_rows(3)),
        title="Dead letters",
        aside=rx.cond(STATE.rows.length() > 0, _all(), rx.fragment()),
        flush=True,
        id="dead-letters",
    )


def _loaded() -> rx.Component:
    has_rows = STATE.rows.length() > 0
    return rx.fragment(
        rx.cond(STATE.told != "", rx.el.div(note(STATE.told), class_name="panel-note"), rx.fragment()),
        rx.cond(has_rows | FILTERED, _tools(), rx.fragment()),
        rx.cond(
            has_rows,
            rx.fragment(table((Column(_whole_page(), "fit pick"), *COLUMNS), STATE.rows, _row), _pager()),
            rx.cond(FILTERED, _no_match(), _none()),
        ),
    )


def _whole_page() -> rx.Component:
    count = STATE.picked.length()
    return rx.checkbox(
        checked=(count > 0) & (count == STATE.rows.length()), aria_label="Pick this page", on_change=STATE.pick_page
    )


def _none() -> rx.Component:
    return empty(
        "mail-check",
        "No dead letters",
        "Pushes that fail although their device is fine are kept here for 30 days, to be sent again or dropped.",
    )


def _no_match() -> rx.Component:
    return empty(
        "search-x",
        "No dead letter matches",
        "Take a filter off, or look at all of them.",
        link(rx.button("Show all", variant="soft"), to=routes.HEALTH, class_name=""),
    )


def _all() -> rx.Component:
    """What can be done to everything that the filters match."""
    working = STATE.busy != ""
    return rx.el.div(
        rx.cond(working, rx.el.span(STATE.busy, class_name="muted small tnum", role="status"), rx.fragment()),
        confirm(
            rx.button("Retry all ", STATE.matched, size="1", variant="soft", loading=working),
            rx.fragment("Send ", STATE.matched, " pushes again?"),
            "Each waits in its lane again. Those whose campaign, device or time is over stay here and say why.",
            rx.fragment("Retry ", STATE.matched),
            STATE.treat_all("retry"),
            keep="Not now",
            tone=theme.ACT,
        ),
        confirm(
            rx.button("Drop all ", STATE.matched, size="1", variant="soft", color_scheme=theme.QUIET, disabled=working),
            rx.fragment("Drop ", STATE.matched, " dead letters?"),
            "They leave this list for good. The pushes stay failed in their campaign's report.",
            rx.fragment("Drop ", STATE.matched),
            STATE.treat_all("drop"),
            keep="Keep them",
        ),
        class_name="row",
    )


def _tools() -> rx.Component:
    """Filters, and what can be done to the ticked ones."""
    count = STATE.picked.length()
    return rx.el.div(
        _select("campaign_id", STATE.options.campaigns, STATE.chosen.campaign_id, "Campaign"),
        _select("lane", STATE.options.lanes, STATE.chosen.lane, "Lane"),
        _select("reason", STATE.options.reasons, STATE.chosen.reason, "Reason"),
        rx.cond(count > 0, _picked(count), rx.fragment()),
        class_name="panel-tools",
    )


def _select(name: str, options, value, label: str) -> rx.Component:
    return rx.el.div(
        choose_from(
            f"letters-{name}",
            options,
            value=value,
            aria_label=label,
            on_change=lambda chosen: STATE.narrow(name, chosen),
        ),
        class_name="select-fit",
    )


def _picked(count) -> rx.Component:
    return rx.el.div(
        rx.el.span(f"{count} picked", class_name="small muted tnum", role="status"),
        confirm(
            rx.button("Retry", size="1", variant="soft"),
            rx.fragment("Send ", count, " picked again?"),
            "Each waits in its lane again, its tries counted from nought.",
            rx.fragment("Retry ", count),
            STATE.treat("retry", "picked"),
            keep="Not now",
            tone=theme.ACT,
        ),
        confirm(
            rx.button("Drop", size="1", variant="soft", color_scheme=theme.QUIET),
            rx.fragment("Drop ", count, " picked?"),
            "They leave this list for good. The pushes stay failed in their campaign's report.",
            rx.fragment("Drop ", count),
            STATE.treat("drop", "picked"),
            keep="Keep them",
        ),
        class_name="row push-right",
    )


def _row(row: rx.Var[LetterLine]) -> rx.Component:
    return rx.fragment(
        rx.el.tr(
            rx.el.td(
                rx.checkbox(checked=row.picked, aria_label="Pick", on_change=lambda on: STATE.pick(row.id, on)),
                class_name="fit pick",
            ),
            rx.el.td(_said(row), class_name="grow"),
            rx.el.td(
                link(row.user, to=row.href, class_name="cell truncate", title="Open the delivery"),
                rx.el.div(platform(row.platform, row.platform_word), class_name="muted small"),
                class_name="clip hide-phone",
            ),
            rx.el.td(_campaign(row), class_name="clip hide-phone"),
            rx.el.td(rx.el.div(row.lane, class_name="truncate", title=row.lane), class_name="clip hide-narrow"),
            rx.el.td(row.attempts, class_name="num hide-narrow"),
            rx.el.td(rx.el.span(row.at.short, title=row.at.exact), class_name="fit hide-phone"),
            rx.el.td(_one(row), class_name="actions"),
            key=row.id,
            data_opened=row.opened,
        ),
        rx.cond(
            row.opened,
            rx.el.tr(
                rx.el.td(_reply(row), col_span=len(COLUMNS) + 1),
                class_name="row-detail letter-detail",
                key=f"{row.id}-reply",
            ),
            rx.fragment(),
        ),
    )


def _campaign(row: rx.Var[LetterLine]) -> rx.Component:
    return link(row.campaign, to=row.campaign_href, class_name="cell truncate", title=row.campaign)


def _said(row: rx.Var[LetterLine]) -> rx.Component:
    """The reason; a click shows the whole reply."""
    return rx.el.button(
        icon("chevron-right", theme.ICON_SMALL, class_name="chevron"),
        rx.el.span(
            rx.el.span(row.said, class_name="mono truncate", title=row.said),
            rx.cond(
                row.text != "", rx.el.span(row.text, class_name="muted small truncate", title=row.text), rx.fragment()
            ),
            class_name="stack-0",
        ),
        type="button",
        class_name="opener",
        aria_expanded=row.opened,
        on_click=STATE.show(row.id),
    )


def _reply(row: rx.Var[LetterLine]) -> rx.Component:
    """Under the row: the reply, and on a phone what its columns would say."""
    return rx.el.div(
        rx.cond(row.refusal != "", note("Cannot be sent again. ", row.refusal, tone=theme.CARE), rx.fragment()),
        rx.cond(
            row.raw != "",
            rx.el.pre(row.raw, class_name="code"),
            rx.el.div("The provider said nothing more.", class_name="muted"),
        ),
        rx.el.div(
            facts(
                ("User", link(row.user, to=row.href)),
                ("Campaign", _campaign(row)),
                ("Lane", row.lane),
                ("When", rx.el.span(row.at.short, title=row.at.exact)),
            ),
            class_name="only-phone",
        ),
        class_name="stack-s",
    )


def _one(row: rx.Var[LetterLine]) -> rx.Component:
    return rx.el.div(
        icon_button(
            "rotate-cw",
            rx.cond(row.refusal != "", row.refusal, "Retry"),
            disabled=row.refusal != "",
            on_click=STATE.treat("retry", row.id),
            class_name="icon-button",
        ),
        confirm(
            icon_button("trash-2", "Drop"),
            "Drop this dead letter?",
            rx.fragment(
                "The push to “", row.user, "” leaves this list for good and stays failed in its campaign's report."
            ),
            "Drop",
            STATE.treat("drop", row.id),
        ),
        class_name="row-actions",
    )


def _pager() -> rx.Component:
    return rx.cond(
        ~STATE.first | (STATE.following != ""),
        rx.el.div(
            rx.cond(STATE.first, rx.fragment(), _step("Back", rx.call_script("history.back()"))),
            rx.cond(
                STATE.following != "",
                link(
                    rx.button("Older", variant="soft", color_scheme=theme.QUIET, size="1"),
                    to=STATE.following,
                    class_name="push-right",
                    prevent_scroll_reset=True,
                ),
                rx.fragment(),
            ),
            class_name="panel-foot",
        ),
        rx.fragment(),
    )


def _step(label: str, event) -> rx.Component:
    return rx.button(label, variant="soft", color_scheme=theme.QUIET, size="1", on_click=event)
