"""Deliveries: every push to every device, findable and explained."""

import reflex as rx

from console import routes, theme
from console.components.badges import delivery_badge, platform
from console.components.feedback import empty, missing, note, skeleton_text
from console.components.forms import choose
from console.components.layout import back_link, copyable, facts, icon, link, page_head, panel
from console.components.tables import Column, list_panel, table
from console.rows.deliveries import AnswerLine, DeliveryLine, StepLine
from console.shell import page
from console.states.deliveries import DeliveriesState, DeliveryState, Tag
from console.states.session import RANK, SessionState

STATES = (
    ("", "Any state"),
    ("group:open", "Open"),
    ("accepted", "Accepted"),
    ("group:failed", "Failed, expired or unknown"),
    ("group:skipped", "Skipped or cancelled"),
    *((str(name), look.word) for name, look in theme.DELIVERY.items() if name != "accepted"),
)
PLATFORMS = (("", "Any platform"), ("ios", "iOS"), ("android", "Android"), ("web", "Web"))
RECEIPTS = (
    ("", "With or without receipt"),
    ("delivered", "Delivered"),
    ("displayed", "Displayed"),
    ("opened", "Opened"),
    ("dismissed", "Dismissed"),
    ("action", "Button pressed"),
)
COLUMNS = (
    Column("User", "grow"),
    Column("State", "fit"),
    Column("Platform", "fit hide-phone"),
    Column("Campaign", "hide-phone clip"),
    Column("Variant", "fit hide-narrow"),
    Column("Attempts", "num hide-narrow"),
    Column("When", "fit hide-phone"),
)


@page(routes.DELIVERIES, "Deliveries", on_load=[DeliveriesState.load])
def deliveries() -> rx.Component:
    """The list with its filters."""
    return rx.fragment(
        page_head("Deliveries"),
        _toolbar(),
        rx.cond(
            DeliveriesState.problem != "",
            rx.el.div(note(DeliveriesState.problem, tone=theme.CARE), class_name="under-l"),
            rx.fragment(),
        ),
        list_panel(
            DeliveriesState.ready,
            DeliveriesState.rows.length() > 0,
            table(COLUMNS, DeliveriesState.rows, _row),
            empty(
                "send",
                "No deliveries here",
                "A delivery is one push to one device. Launch a campaign, or take a filter off.",
                link(rx.button("Show all", variant="soft"), to=routes.DELIVERIES, class_name=""),
            ),
            foot=_pager(),
        ),
    )


def _toolbar() -> rx.Component:
    shown = DeliveriesState.filters
    return rx.el.div(
        rx.el.div(
            rx.el.input(
                id="user_id",
                type="search",
                placeholder="User id, exact",
                aria_label="User id",
                class_name="input",
                default_value=shown.user_id,
                key=rx.cond(DeliveriesState.ready, "ready", "loading"),
                on_change=DeliveriesState.narrow("user_id").debounce(400),
            ),
            class_name="grow",
        ),
        _select("state", STATES, shown.state, "State"),
        _select("platform", PLATFORMS, shown.platform, "Platform"),
        _select("receipt", RECEIPTS, shown.receipt, "Receipt"),
        rx.foreach(DeliveriesState.tags, _tag),
        class_name="toolbar",
    )


def _select(name: str, options, value, label: str) -> rx.Component:
    return rx.el.div(
        choose(
            name, options, value=value, aria_label=label, on_change=lambda chosen: DeliveriesState.narrow(name, chosen)
        ),
        class_name="select-fit",
    )


def _tag(tag: rx.Var[Tag]) -> rx.Component:
    return link(
        tag.label,
        icon("x", theme.ICON_SMALL - 2),
        to=tag.without,
        class_name="chip",
        title="Take this filter off",
        aria_pressed="true",
        role="button",
    )


def _row(row: rx.Var[DeliveryLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            link(
                rx.el.div(row.user, class_name="cell-title truncate"),
                rx.el.div(
                    rx.cond(row.reason_text != "", row.reason_text, row.short),
                    class_name="muted small truncate",
                    title=row.reason_text,
                ),
                to=row.href,
                class_name="cell",
            ),
            class_name="grow",
        ),
        rx.el.td(delivery_badge(row.state), class_name="fit"),
        rx.el.td(platform(row.platform, row.platform_word), class_name="fit hide-phone"),
        rx.el.td(
            link(row.campaign, to=row.campaign_href, class_name="cell truncate", title=row.campaign),
            class_name="hide-phone clip",
        ),
        rx.el.td(row.variant, class_name="fit hide-narrow"),
        rx.el.td(row.attempts, class_name="num hide-narrow"),
        rx.el.td(rx.el.span(row.ended.short, title=row.ended.exact), class_name="fit hide-phone"),
        key=row.id,
    )


def _pager() -> rx.Component:
    return rx.cond(
        ~DeliveriesState.first | (DeliveriesState.following != ""),
        rx.el.div(
            rx.cond(
                DeliveriesState.first,
                rx.fragment(),
                rx.button(
                    "Back",
                    variant="soft",
                    color_scheme=theme.QUIET,
                    size="1",
                    on_click=rx.call_script("history.back()"),
                ),
            ),
            rx.cond(
                DeliveriesState.following != "",
                link(
                    rx.button("Older", variant="soft", color_scheme=theme.QUIET, size="1"),
                    to=DeliveriesState.following,
                    class_name="push-right",
                ),
                rx.fragment(),
            ),
            class_name="panel-foot",
        ),
        rx.fragment(),
    )


@page(routes.DELIVERY, "Delivery", on_load=[DeliveryState.load])
def delivery() -> rx.Component:
    """One delivery: who, what happened, what was sent."""
    shown = DeliveryState.shown
    return rx.cond(
        DeliveryState.missing,
        panel(missing("delivery", routes.DELIVERIES, "All deliveries"), flush=True),
        rx.fragment(
            page_head(
                rx.cond(DeliveryState.ready, f"Push to {shown.line.whom}", "Delivery"),
                rx.cond(shown.dead_letter & (SessionState.me.rank >= RANK["admin"]), _retry(), rx.fragment()),
                badge=rx.cond(DeliveryState.ready, delivery_badge(shown.line.state), rx.fragment()),
                back=back_link("Deliveries", routes.DELIVERIES),
            ),
            rx.cond(DeliveryState.ready, _explained(), panel(skeleton_text(5))),
        ),
    )


def _retry() -> rx.Component:
    """It failed though its device was not at fault."""
    return rx.button(icon("rotate-cw", theme.ICON_SMALL), "Retry", on_click=DeliveryState.retry)


def _explained() -> rx.Component:
    shown = DeliveryState.shown
    return rx.el.div(
        rx.el.div(
            panel(rx.el.div(rx.foreach(shown.steps, _step), class_name="steps"), title="What happened"),
            rx.cond(
                shown.answers.length() > 0,
                panel(rx.el.div(rx.foreach(shown.answers, _answer), class_name="stack"), title="Provider replies"),
                rx.fragment(),
            ),
            class_name="stack-l",
        ),
        rx.el.div(
            panel(_facts(), title="Delivery"), panel(_body(), title="Body", aside=_as_sent()), class_name="stack-l"
        ),
        class_name="two",
    )


def _step(step: rx.Var[StepLine]) -> rx.Component:
    marks = [(tone, icon(look.icon, theme.ICON_SMALL)) for tone, look in theme.STEP.items()]
    return rx.el.div(
        rx.el.span(rx.match(step.tone, *marks, rx.fragment()), class_name="step-mark", data_tone=step.tone),
        rx.el.div(
            rx.el.div(
                rx.el.span(step.title, class_name="strong"),
                rx.el.span(step.at.short, title=step.at.exact, class_name="muted small tnum push-right"),
                class_name="row",
            ),
            rx.cond(step.detail != "", rx.el.div(step.detail, class_name="muted"), rx.fragment()),
            class_name="step-text stack-xs",
        ),
        class_name="step",
    )


def _answer(answer: rx.Var[AnswerLine]) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.span(answer.title, class_name="strong"),
            rx.el.span(answer.at.short, title=answer.at.exact, class_name="muted small push-right"),
            class_name="row",
        ),
        rx.cond(answer.raw != "", rx.el.pre(answer.raw, class_name="code"), rx.fragment()),
        class_name="stack-s",
    )


def _facts() -> rx.Component:
    line = DeliveryState.shown.line
    return facts(
        ("Campaign", link(line.campaign, to=line.campaign_href)),
        ("User", line.user),
        ("Platform", platform(line.platform, line.platform_word)),
        ("Variant", rx.cond(line.variant != "", line.variant, "–")),
        ("Language", rx.cond(line.locale != "", line.locale, "–")),
        ("Due", rx.el.span(line.due.short, title=line.due.exact)),
        ("Attempts", line.attempts),
        ("Device", _id(line.device)),
        ("Delivery", _id(line.id)),
    )


def _id(value: rx.Var[str]) -> rx.Component:
    return rx.cond(
        value != "",
        rx.el.span(rx.el.span(value, class_name="mono"), copyable(value, "Copy id"), class_name="row-wrap"),
        "–",
    )


def _body() -> rx.Component:
    shown = DeliveryState.shown
    return rx.cond(
        shown.body != "",
        rx.el.pre(shown.body, class_name="code"),
        rx.el.span("Nothing was rendered for this device.", class_name="muted"),
    )


def _as_sent() -> rx.Component:
    shown = DeliveryState.shown
    return rx.cond(
        shown.body != "",
        rx.el.span(
            rx.el.span(shown.size, class_name="muted small"),
            rx.cond(
                shown.as_sent,
                rx.badge(
                    "As sent", color_scheme=theme.GOOD, variant="soft", title="The bytes shown are those that were sent"
                ),
                rx.badge(
                    "Differs from what was sent",
                    color_scheme=theme.CARE,
                    variant="soft",
                    title="The person has changed since",
                ),
            ),
            class_name="row",
        ),
        rx.fragment(),
    )
