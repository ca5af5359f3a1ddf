"""One import: how the file is read, what its columns become, a trial, then its progress and what was refused."""

import reflex as rx

from backend.domain.vocabulary import ImportState
from console import routes, theme
from console.components.badges import badge
from console.components.confirm import confirm
from console.components.download import download_link
from console.components.feedback import missing, note, skeleton_rows
from console.components.figures import progress_bar, stat
from console.components.layout import back_link, icon, link, page_head, panel
from console.components.poll import every
from console.components.tables import Column, table
from console.pages.imports.columns import columns, layout, preview
from console.rows.imports import RefusalLine
from console.shell import page
from console.states.imports_job import ImportJobState
from console.theme import Look

STATE: dict[str, Look] = {
    ImportState.UPLOADED: Look(theme.QUIET, "pencil-line", "Not started"),
    ImportState.RUNNING: Look(theme.ACT, "loader", "Running"),
    ImportState.PAUSED: Look(theme.CARE, "pause", "Paused"),
    ImportState.FINISHED: Look(theme.GOOD, "check", "Finished"),
    ImportState.CANCELLED: Look(theme.QUIET, "ban", "Cancelled"),
    ImportState.FAILED: Look(theme.BAD, "circle-alert", "Failed"),
}
REFUSALS = (Column("Row", "num"), Column("Why", "grow"), Column("What it held", "clip hide-phone"))
job = ImportJobState.job


@page(routes.IMPORT, "Import", on_load=[ImportJobState.load])
def import_job() -> rx.Component:
    """Follows the import while it runs; nothing stops when one leaves."""
    return rx.cond(
        ImportJobState.missing,
        panel(missing("import", routes.IMPORTS, "All imports"), flush=True),
        rx.cond(ImportJobState.ready, _shown(), panel(skeleton_rows(5), flush=True)),
    )


def _shown() -> rx.Component:
    return rx.fragment(
        page_head(
            job.line.filename,
            _actions(),
            badge=badge(job.line.state, STATE),
            back=back_link("Import", routes.IMPORTS),
        ),
        rx.cond(
            job.live,
            every(1000, ImportJobState.refresh),
            rx.fragment(),
        ),
        rx.cond(job.line.state == "uploaded", _wizard(), _progress()),
    )


def _actions() -> rx.Component:
    move = ImportJobState.move
    stop = confirm(
        rx.button("Cancel import", variant="soft", color_scheme=theme.QUIET),
        "Cancel this import?",
        rx.fragment("“", job.line.filename, "” stops for good. Rows that were taken in stay."),
        "Cancel import",
        move("cancel"),
        keep="Keep going",
    )
    discard = confirm(
        rx.button("Discard", variant="soft", color_scheme=theme.QUIET),
        "Discard this file?",
        rx.fragment("“", job.line.filename, "” is taken off the server. Nothing of it was imported."),
        "Discard file",
        move("cancel"),
    )
    start = rx.button(icon("play", theme.ICON_SMALL), "Start import", on_click=move("start"))
    return rx.match(
        job.line.state,
        ("uploaded", rx.fragment(discard, start)),
        ("running", rx.fragment(stop, rx.button(icon("pause", theme.ICON_SMALL), "Pause", on_click=move("pause")))),
        ("paused", rx.fragment(stop, rx.button(icon("play", theme.ICON_SMALL), "Resume", on_click=move("resume")))),
        ("failed", rx.fragment(stop, rx.button("Try again", on_click=move("resume")))),
        link(rx.button("New import", variant="soft"), to=routes.IMPORTS, class_name=""),
    )


def _wizard() -> rx.Component:
    return rx.el.div(
        rx.cond(ImportJobState.problem != "", note(ImportJobState.problem, tone=theme.BAD), rx.fragment()),
        layout(),
        columns(),
        _check(),
        preview(),
        class_name="stack-l",
    )


def _check() -> rx.Component:
    found = ImportJobState.checked
    run = rx.button(
        "Try the first 1,000 rows",
        variant="soft",
        size="1",
        loading=ImportJobState.checking,
        on_click=ImportJobState.check,
    )
    figures = rx.el.div(
        rx.el.span(found.rows, " tried: ", class_name="muted"),
        rx.el.span(rx.el.span(found.added, class_name="strong"), " new"),
        rx.el.span(rx.el.span(found.changed, class_name="strong"), " ", job.changed_word.lower()),
        rx.el.span(
            rx.el.span(found.refused, class_name="strong"),
            " refused",
            class_name=rx.cond(found.some_refused, "care", ""),
        ),
        class_name="row-wrap gap-m",
        role="status",
    )
    before = rx.el.p(
        "Nothing is kept: it shows how many would be new, known before or refused, and why.", class_name="muted"
    )
    return panel(
        rx.el.div(rx.cond(found.done, figures, before), class_name="panel-body"),
        rx.cond(found.some_refused, _refusals(found.refusals), rx.fragment()),
        title="Trial",
        aside=run,
        flush=True,
    )


def _progress() -> rx.Component:
    return rx.el.div(
        rx.cond(job.problem != "", note(job.problem, tone=theme.BAD), rx.fragment()),
        rx.cond(job.over, rx.fragment(), panel(_bar())),
        rx.el.div(
            stat("Rows read", job.line.rows, rx.cond(job.took != "", f"in {job.took}", "")),
            stat("New", job.added),
            stat(job.changed_word, job.changed),
            stat("Refused", job.line.refused, rx.cond(job.line.some_refused, "listed below", "")),
            class_name="stats",
        ),
        rx.cond(job.line.some_refused, _refused(), rx.fragment()),
        _onward(),
        class_name="stack-l",
    )


def _bar() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.el.span(f"{job.line.percent}%", class_name="reach-number"),
            rx.el.span(
                rx.cond(job.rate != "", job.rate, ""),
                rx.cond(job.left != "", f", about {job.left} left", ""),
                class_name="muted push-right tnum",
            ),
            class_name="progress-head",
        ),
        progress_bar(job.line.percent, tone=rx.cond(job.live, "", "amber"), label="Import"),
    )


def _refused() -> rx.Component:
    return panel(
        _refusals(ImportJobState.refused),
        title="Refused rows",
        aside=download_link(
            icon("download", theme.ICON_SMALL), "Download as CSV", href=job.refusals, class_name="link row small"
        ),
        flush=True,
    )


def _refusals(rows: rx.Var) -> rx.Component:
    return table(REFUSALS, rows, _refusal, class_name="table refusals")


def _refusal(one: rx.Var[RefusalLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(one.row, class_name="num"),
        rx.el.td(one.reason, class_name="grow reason"),
        rx.el.td(
            rx.el.div(rx.cond(one.held != "", one.held, "–"), class_name="truncate muted", title=one.held),
            class_name="clip hide-phone",
        ),
        key=one.row,
    )


def _onward() -> rx.Component:
    to_list = link(rx.button("Open the list", variant="soft"), to=f"{routes.LISTS}/{job.list_id}", class_name="")
    return rx.cond(job.over & (job.list_id != ""), rx.el.div(to_list), rx.fragment())
