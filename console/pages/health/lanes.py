"""The lanes of the health page: one row each, and one of them in full."""

import reflex as rx

from console import routes, theme
from console.components.badges import badge
from console.components.confirm import confirm
from console.components.feedback import empty, note, skeleton_rows
from console.components.figures import progress_bar
from console.components.forms import field, text_input
from console.components.layout import facts, icon, icon_button, link, panel
from console.components.tables import Column, table
from console.rows.health import HostLine, LaneLine, ReasonLine
from console.states.health import HealthState

COLUMNS = (
    Column("Lane", "grow"),
    Column("State", "fit"),
    Column("Rate", "lane-rate hide-phone"),
    Column("Errors", "num hide-phone"),
    Column("Due now", "num hide-phone"),
    Column("Latency", "num hide-narrow"),
    Column("", "actions"),
)


def lanes() -> rx.Component:
    nothing = empty(
        "key-round",
        "No lanes yet",
        "A lane is a credential that pushes go out through. Add one to reach devices.",
        link(rx.button("Add credential", variant="soft"), to=routes.APPS, class_name=""),
    )
    rows = rx.cond(HealthState.lanes.length() > 0, table(COLUMNS, HealthState.lanes, _lane), nothing)
    return panel(rx.cond(HealthState.ready, rows, skeleton_rows(3)), title="Lanes", flush=True)


def _lane(row: rx.Var[LaneLine]) -> rx.Component:
    return rx.fragment(
        _row(row),
        rx.cond(
            row.opened,
            rx.el.tr(
                rx.el.td(_detail(), col_span=len(COLUMNS)), class_name="row-detail lane-detail", key=f"{row.id}-detail"
            ),
            rx.fragment(),
        ),
    )


def _row(row: rx.Var[LaneLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(_title(row), class_name="grow"),
        rx.el.td(
            rx.el.div(
                badge(row.state, theme.LANE),
                rx.cond(
                    row.quarantined,
                    rx.badge("Quarantine", color_scheme=theme.CARE, variant="soft", title="No device of it is pruned"),
                    rx.fragment(),
                ),
                class_name="stack-xs lane-badges",
            ),
            class_name="fit",
        ),
        rx.el.td(_rate(row), class_name="lane-rate hide-phone"),
        rx.el.td(
            rx.el.span(row.errors, title=row.errors_hint, class_name=rx.cond(row.erring, "care", "")),
            class_name="num hide-phone",
        ),
        rx.el.td(
            rx.el.div(row.waiting),
            rx.cond(
                row.oldest != "",
                rx.el.div(row.oldest, title=row.oldest_hint, class_name=rx.cond(row.late, "small care", "small muted")),
                rx.fragment(),
            ),
            class_name="num hide-phone",
        ),
        rx.el.td(rx.el.span(row.latency, title=row.latency_hint), class_name="num hide-narrow"),
        rx.el.td(_stop(row), class_name="actions"),
        key=row.id,
        data_opened=row.opened,
    )


def _title(row: rx.Var[LaneLine]) -> rx.Component:
    sign = rx.match(row.provider, *[(name, icon(sign)) for name, sign in theme.PROVIDER_ICON.items()], rx.fragment())
    return link(
        icon("chevron-right", theme.ICON_SMALL, class_name="chevron"),
        rx.el.span(sign, class_name="muted hide-phone"),
        rx.el.div(
            rx.el.div(
                row.word,
                rx.cond(
                    row.environment != "", rx.el.span(" ", row.environment, class_name="muted plain"), rx.fragment()
                ),
                rx.cond(row.name != "", rx.el.span(" ", row.name, class_name="muted plain"), rx.fragment()),
                class_name="cell-title truncate",
            ),
            rx.el.div(row.sentence, class_name="muted small lane-sentence", title=row.sentence),
            class_name="stack-0",
        ),
        to=row.href,
        replace=True,
        prevent_scroll_reset=True,
        class_name="cell lane-title",
        aria_expanded=row.opened,
    )


def _rate(row: rx.Var[LaneLine]) -> rx.Component:
    return rx.el.div(
        rx.el.span(row.rate, title=row.rate_hint),
        rx.cond(row.limited, progress_bar(row.share, label="Share of the limit"), rx.fragment()),
        class_name="stack-xs",
    )


def _stop(row: rx.Var[LaneLine]) -> rx.Component:
    return rx.cond(
        row.stopped,
        icon_button("play", "Resume lane", on_click=HealthState.resume(row.id)),
        _pause(row.id, row.word, row.name, row.waiting, icon_button("pause", "Pause lane")),
    )


def _pause(lane, word, name, waiting, trigger: rx.Component) -> rx.Component:
    return confirm(
        trigger,
        "Pause this lane?",
        rx.fragment(
            "Nothing more goes out through “", rx.cond(name != "", name, word), "” until it is resumed. ",
            waiting, " due now wait; campaigns in other lanes go on.",
        ),
        "Pause lane",
        HealthState.pause(lane),
        keep="Keep sending",
        tone=theme.CARE,
    )  # fmt: skip


def _detail() -> rx.Component:
    found = HealthState.detail
    return rx.el.div(
        rx.cond(found.quarantine != "", _quarantine(), rx.fragment()),
        rx.el.div(
            rx.el.div(_answers(), _hosts(), class_name="stack-l"),
            rx.el.div(_facts(), _limit(), class_name="stack-l"),
            class_name="two lane-two",
        ),
        class_name="stack",
    )


def _quarantine() -> rx.Component:
    found = HealthState.detail
    again = confirm(
        rx.button("Prune again", size="1", variant="soft", color_scheme=theme.CARE),
        "Prune dead addresses again?",
        rx.fragment(
            "Devices of “",
            found.name,
            "” that its provider calls dead are removed again, and for a day nothing stops "
            "that. Do this when the provider is right about them.",
        ),
        "Prune again",
        HealthState.prune_again(found.id),
        keep="Leave it",
    )
    return note(
        rx.el.div(
            rx.el.span(found.quarantine, " Since ", found.quarantined.short, "."), again, class_name="row-between"
        ),
        tone=theme.CARE,
    )


def _answers() -> rx.Component:
    found = HealthState.detail
    return rx.el.section(
        rx.el.h3("Answers of the last minute", class_name="strong"),
        rx.cond(
            found.outcomes != "",
            rx.el.div(found.outcomes, class_name="muted tnum"),
            rx.el.div("None.", class_name="muted"),
        ),
        rx.cond(
            found.reasons.length() > 0,
            rx.el.div(rx.foreach(found.reasons, _reason), class_name="stack-s"),
            rx.fragment(),
        ),
        class_name="stack-s",
    )


def _reason(row: rx.Var[ReasonLine]) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.span(row.reason, class_name="mono"),
            rx.el.span(row.text, class_name="muted small truncate", title=row.text),
            rx.el.span(row.count, class_name="tnum push-right"),
            class_name="row",
        ),
        progress_bar(row.percent, tone=theme.CARE, label="Share of the answers"),
        class_name="stack-xs",
    )


def _hosts() -> rx.Component:
    found = HealthState.detail
    columns = (
        Column("Host", "grow"),
        Column("State", "fit"),
        Column("In flight", "num"),
        Column("Connections", "num hide-phone"),
        Column("Failures", "num hide-phone"),
    )
    return rx.cond(
        found.hosts.length() > 0,
        rx.el.div(table(columns, found.hosts, _host, class_name="table table-inner"), class_name="lane-hosts"),
        rx.fragment(),
    )


def _host(row: rx.Var[HostLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.el.div(row.host, class_name="truncate", title=row.host),
            rx.cond(row.detail != "", rx.el.div(row.detail, class_name="small care"), rx.fragment()),
            class_name="grow",
        ),
        rx.el.td(badge(row.state, theme.HOST), class_name="fit"),
        rx.el.td(row.in_flight, class_name="num"),
        rx.el.td(row.connections, class_name="num hide-phone"),
        rx.el.td(row.failures, class_name="num hide-phone"),
        key=row.host,
    )


def _facts() -> rx.Component:
    found = HealthState.detail
    return facts(
        ("In flight", found.in_flight),
        ("Wait for another try", found.retrying),
        ("Rate allowed now", found.rate_limit),
        ("Devices", found.devices),
        ("Dead, last minute", rx.el.span(found.dead_now, title=found.dead_now_hint)),
        ("Dead, 7 days", rx.el.span(found.dead_week, title=found.dead_week_hint)),
        (
            "Dead letters",
            rx.cond(found.dead_href != "", link(found.dead_letters, to=found.dead_href), found.dead_letters),
        ),
        ("Verified", rx.el.span(found.verified.short, title=found.verified.exact)),
        (
            "Certificate ends",
            rx.el.span(
                found.expires.short, title=found.expires.exact, class_name=rx.cond(found.expires_soon, "care", "")
            ),
        ),
    )  # fmt: skip


def _limit() -> rx.Component:
    found = HealthState.detail
    return rx.form(
        field(
            "Limit, pushes a second",
            rx.el.div(
                text_input(
                    "max_per_second",
                    default_value=found.max_per_second,
                    key=found.id,
                    input_mode="numeric",
                    auto_complete="off",
                    placeholder="The provider's own",
                    invalid=HealthState.limit_error != "",
                ),
                rx.button("Save limit", type="submit", variant="soft", size="2"),
                class_name="row",
            ),
            name="max_per_second",
            error=HealthState.limit_error,
            help_text="Shared by all senders; it holds within a second.",
        ),
        on_submit=HealthState.limit(found.id),
    )
