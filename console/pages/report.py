"""A campaign's report: how it goes, what came of it, why some got nothing."""

import reflex as rx

from console import routes, theme
from console.components.badges import campaign_badge
from console.components.charts import chart, legend
from console.components.confirm import confirm
from console.components.feedback import empty, missing, note, skeleton_chart, skeleton_text
from console.components.figures import progress_bar
from console.components.layout import back_link, icon, link, page_head, panel
from console.components.poll import every
from console.components.tables import Column, table
from console.components.verdict import why_button, why_of_campaign
from console.pages.report_runs import runs
from console.rows.report import Breakdown, FunnelStep, Share
from console.shell import page
from console.states.report import MEASURES, ReportState
from console.states.runs import RunsState
from console.states.session import RANK, SessionState
from console.states.verdicts import VerdictState

EDITOR = SessionState.me.rank >= RANK["editor"]
ADMIN = SessionState.me.rank >= RANK["admin"]
PARTS = (
    Column("", "grow"),
    Column("Audience", "num"),
    Column("Accepted", "num"),
    Column("Delivered", "num hide-phone"),
    Column("Opened", "num"),
)


@page(routes.CAMPAIGN, "Campaign", on_load=[ReportState.load, RunsState.load, VerdictState.load])
def report() -> rx.Component:
    """Header with what can be done now; then the numbers."""
    return rx.cond(
        ReportState.missing,
        panel(missing("campaign", routes.CAMPAIGNS, "All campaigns"), flush=True),
        rx.cond(ReportState.ready, _report(), _loading()),
    )


def _loading() -> rx.Component:
    return rx.el.div(
        page_head("Campaign", back=back_link("Campaigns", routes.CAMPAIGNS)),
        panel(skeleton_text(3)),
        panel(skeleton_chart(), flush=True),
        class_name="stack-l",
    )


def _report() -> rx.Component:
    return rx.fragment(
        _poll(),
        page_head(
            rx.el.h1(_line().name, class_name="truncate", title=_line().name),
            why_button(),
            _actions(),
            badge=campaign_badge(_line().state),
            back=back_link("Campaigns", routes.CAMPAIGNS),
        ),
        rx.el.div(_summary(), _progress(), _funnel(), runs(), _chart(), _breakdowns(), class_name="stack-l"),
        why_of_campaign(),
    )


def _line():
    return ReportState.shown.line


def _poll() -> rx.Component:
    return rx.cond(
        ReportState.live,
        every(1000, ReportState.refresh),
        rx.cond(
            ReportState.settling,
            every(3000, ReportState.refresh),
            rx.fragment(),
        ),
    )


def _actions() -> rx.Component:
    copy = rx.button(
        icon("copy-plus"), "Duplicate", variant="soft", color_scheme=theme.QUIET, on_click=ReportState.duplicate
    )
    pause = rx.button(icon("pause"), "Pause", on_click=ReportState.pause)
    resume = rx.button(icon("play"), "Resume", on_click=ReportState.resume)
    back_to_draft = rx.button("Unschedule", variant="soft", on_click=ReportState.unschedule)
    change = f"{routes.CAMPAIGNS}/{_line().id}/edit"
    edit = link(rx.button(icon("pencil"), "Edit"), to=change, class_name="")
    edit_too = link(rx.button(icon("pencil"), "Edit", variant="soft"), to=change, class_name="")
    by_state = rx.match(
        _line().state,
        ("running", rx.fragment(_cancel(), pause)),
        ("active", rx.fragment(edit_too, _cancel(), pause)),
        ("paused", rx.fragment(rx.cond(_line().repeats, edit_too, rx.fragment()), _cancel(), resume)),
        ("scheduled", rx.fragment(_cancel(), back_to_draft, edit)),
        ("draft", edit),
        rx.fragment(),
    )
    return rx.cond(EDITOR, rx.fragment(copy, by_state), rx.fragment())


def _cancel() -> rx.Component:
    return confirm(
        rx.button("Cancel", variant="soft", color_scheme=theme.BAD),
        "Cancel this campaign?",
        rx.fragment("“", _line().name, "” stops for good. What has been sent stays sent; nothing more goes out."),
        "Cancel campaign",
        ReportState.cancel,
    )


def _summary() -> rx.Component:
    line = _line()
    return rx.el.div(
        rx.el.p(ReportState.shown.text, class_name="truncate", title=ReportState.shown.text),
        rx.el.div(
            _bit("users", line.audience),
            _bit("tag", ReportState.shown.category),
            _bit("clock", rx.fragment(line.moment, " ", rx.el.span(line.when.short, title=line.when.exact))),
            _bit("user", line.by),
            class_name="bits",
        ),
        rx.cond(
            line.schedule != "",
            rx.el.p(
                icon("calendar-clock", theme.ICON_SMALL),
                line.schedule,
                ".",
                class_name="row schedule-line",
                id="schedule",
            ),
            rx.fragment(),
        ),
        rx.cond(line.pause != "", _why_paused(), rx.fragment()),
        rx.cond(ReportState.shown.waiting != "", note(ReportState.shown.waiting), rx.fragment()),
        class_name="stack-s",
    )


def _why_paused() -> rx.Component:
    """What stopped it, and where to look; Resume and Cancel are in the title row."""
    line = _line()
    look = rx.match(
        line.pause_reason,
        ("credential", rx.cond(ADMIN, link("Open health", to=routes.HEALTH), rx.fragment())),
        ("guardrail", rx.cond(line.failed != "", link("See what failed", to=line.failed), rx.fragment())),
        rx.fragment(),
    )
    return note(rx.el.div(rx.el.span(line.pause), look, class_name="row-wrap"), tone=theme.CARE)


def _bit(sign: str, content) -> rx.Component:
    return rx.el.span(icon(sign, theme.ICON_SMALL - 1), rx.el.span(content, class_name="truncate"), class_name="bit")


def _progress() -> rx.Component:
    shown = _line().progress
    return rx.cond(
        shown.shown,
        panel(
            rx.el.div(
                rx.el.span(shown.done, class_name="strong tnum"),
                rx.el.span(shown.detail, class_name="muted small hide-phone"),
                rx.el.span(shown.rate, class_name="muted tnum push-right"),
                rx.el.span(shown.held, class_name="muted tnum hide-phone"),
                rx.cond(shown.left != "", rx.el.span(shown.left, class_name="muted tnum"), rx.fragment()),
                class_name="row under-bar",
            ),
            progress_bar(
                shown.percent,
                tone=rx.cond(_line().state == "paused", theme.CARE, ""),
                waiting=shown.waiting,
                label="Sent",
            ),
        ),
        rx.fragment(),
    )


def _funnel() -> rx.Component:
    return panel(
        rx.el.div(rx.foreach(ReportState.shown.steps, _step), class_name="funnel"),
        rx.cond(
            ReportState.shown.remark != "",
            rx.el.div(
                icon("info", theme.ICON_SMALL),
                rx.el.span(ReportState.shown.remark),
                class_name="panel-foot muted small",
            ),
            rx.fragment(),
        ),
        flush=True,
    )


def _step(step: rx.Var[FunnelStep]) -> rx.Component:
    return link(
        rx.el.span(step.label, class_name="stat-label"),
        rx.el.span(step.value, class_name="funnel-value"),
        rx.el.span(step.note, class_name="stat-note"),
        rx.el.div(
            rx.el.div(class_name="funnel-fill", style={"width": f"{step.width}%", "background": step.colour}),
            class_name="funnel-bar",
        ),
        to=step.href,
        class_name="funnel-step",
        title=step.hint,
        id=f"funnel-{step.label.lower()}",
    )


def _chart() -> rx.Component:
    nothing = empty(
        "chart-line", "Nothing to draw yet", "Accepted, delivered and opened pushes appear here as they come in."
    )
    return panel(
        rx.cond(
            ReportState.shown.charted,
            chart(ReportState.chart, "Accepted, delivered and opened pushes over time"),
            nothing,
        ),
        title="Over time",
        aside=legend(*MEASURES),
        flush=True,
    )


def _breakdowns() -> rx.Component:
    return rx.el.div(
        panel(
            rx.cond(
                ReportState.shown.losses.length() > 0,
                rx.el.div(rx.foreach(ReportState.shown.losses, _loss)),
                rx.cond(
                    ReportState.shown.started,
                    empty("circle-check", "Nobody left out", "Every device of the audience so far was sent to."),
                    empty("hourglass", "Nothing sent yet", "Who gets nothing appears here, with the reason."),
                ),
            ),
            title="Skipped and failed, by reason",
            flush=True,
        ),
        rx.el.div(
            panel(
                rx.cond(
                    ReportState.shown.platforms.length() > 0,
                    table(PARTS, ReportState.shown.platforms, _part),
                    empty("smartphone", "Nothing sent yet", "Each platform has its line here."),
                ),
                title="By platform",
                flush=True,
            ),
            rx.cond(
                ReportState.shown.variants.length() > 1,
                panel(table(PARTS, ReportState.shown.variants, _part), title="By variant", flush=True),
                rx.fragment(),
            ),
            class_name="stack-l",
        ),
        class_name="two",
    )


def _loss(row: rx.Var[Share]) -> rx.Component:
    return link(
        rx.el.span(
            rx.el.span(row.label, class_name="truncate", title=row.label),
            rx.el.span(row.note, class_name="muted small"),
            class_name="stack-xs",
        ),
        rx.el.span(row.count, class_name="share-num"),
        rx.el.span(row.percent, class_name="share-num muted", title=row.hint),
        to=row.href,
        class_name="share",
    )


def _part(row: rx.Var[Breakdown]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(link(row.label, to=row.href, class_name="cell cell-title"), class_name="grow"),
        rx.el.td(row.audience, class_name="num"),
        rx.el.td(row.accepted, class_name="num"),
        rx.el.td(row.delivered, class_name="num hide-phone"),
        rx.el.td(rx.el.span(row.opened, title=row.opened_hint), class_name="num"),
        key=row.label,
    )
