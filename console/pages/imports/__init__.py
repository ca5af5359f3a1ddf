"""Import: a file is dropped here, and every file that came before is listed with how far it is."""

import reflex as rx

from console import routes, theme
from console.components.badges import badge
from console.components.download import download_link
from console.components.feedback import empty
from console.components.figures import progress_bar
from console.components.forms import segmented, text_input
from console.components.layout import icon, link, page_head, panel
from console.components.poll import every
from console.components.tables import Column, list_panel, table
from console.pages.imports import job
from console.rows.imports import KIND, ImportLine, Option
from console.shell import page
from console.states.imports import ImportsState

COLUMNS = (
    Column("File", "grow"),
    Column("State", "fit"),
    Column("Progress", "import-progress hide-phone"),
    Column("Rows", "num hide-phone"),
    Column("Refused", "num hide-phone"),
    Column("Uploaded", "fit hide-narrow"),
)
TEXTS = {
    "users": "One row a person, with a column that names them. Other columns become their attributes.",
    "devices": "One row a device: its platform and push token, and the user it belongs to. Importing is no sign of life.",
    "list": "One row a person who is known already, by their user id.",
}


@page(routes.IMPORTS, "Import", on_load=[ImportsState.load])
def imports() -> rx.Component:
    """For editors; live rows follow while a file is taken in."""
    return rx.fragment(
        page_head("Import", _export()),
        rx.cond(
            ImportsState.live,
            every(1000, ImportsState.refresh),
            rx.fragment(),
        ),
        rx.cond(ImportsState.no_app, _first_app(), rx.el.div(_upload(), _history(), class_name="stack-l")),
    )


def _export() -> rx.Component:
    return rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(
            rx.button(icon("download", theme.ICON_SMALL), "Export people", variant="soft", color_scheme=theme.QUIET)
        ),
        rx.dropdown_menu.content(
            _download("CSV", "/files/export/people?format=csv"),
            _download("JSON Lines", "/files/export/people?format=jsonl"),
            variant="soft",
        ),
    )


def _download(label: str, to: str) -> rx.Component:
    return rx.dropdown_menu.item(download_link(label, href=to, class_name=""), as_child=True)


def _first_app() -> rx.Component:
    to_apps = link(rx.button("New app"), to=f"{routes.APPS}?new=app", class_name="")
    return panel(empty("package-plus", "Start with an app", "People are imported into an app.", to_apps), flush=True)


def _upload() -> rx.Component:
    return panel(
        rx.el.div(
            rx.el.div(_kinds(), _explained(), _list_choice(), class_name="stack"),
            _drop_zone(),
            class_name="import-form",
        ),
        title="New import",
    )


def _kinds() -> rx.Component:
    options = tuple((str(kind), word) for kind, word in KIND.items())
    return segmented(options, ImportsState.kind, ImportsState.hold, "What the rows are")


def _explained() -> rx.Component:
    texts = [(kind, rx.el.p(text, class_name="muted")) for kind, text in TEXTS.items()]
    return rx.match(ImportsState.kind, *texts, rx.fragment())


def _list_choice() -> rx.Component:
    chosen = rx.el.select(
        rx.el.option("Choose a list", value=""),
        rx.foreach(ImportsState.lists, _list_option),
        id="list",
        aria_label="List",
        class_name="input",
        value=ImportsState.list_id,
        on_change=ImportsState.choose_list,
    )
    new = rx.form(
        rx.el.div(
            text_input("list_name", placeholder="or name a new list", aria_label="Name of a new list", max_length=200),
            rx.button("Make", type="submit", variant="soft"),
            class_name="row",
        ),
        on_submit=ImportsState.make_list,
        reset_on_submit=True,
    )
    return rx.cond(ImportsState.kind == "list", rx.el.div(chosen, new, class_name="stack-s"), rx.fragment())


def _list_option(option: rx.Var[Option]) -> rx.Component:
    return rx.el.option(option.label, value=option.value)


def _drop_zone() -> rx.Component:
    """`imports.js` sends the file: it goes past the websocket, straight to the disk."""
    blocked = (ImportsState.kind == "list") & (ImportsState.list_id == "")
    return rx.cond(
        blocked,
        rx.el.div(rx.el.p("Choose the list that the people go to, or make a new one."), class_name="upload"),
        rx.el.div(
            _idle(),
            _busy(),
            rx.el.p(class_name="upload-wrong", hidden=True, role="alert", custom_attrs={"data-part": "wrong"}),
            class_name="upload",
            custom_attrs={
                "data-upload": "true",
                "data-kind": ImportsState.kind,
                "data-list": rx.cond(ImportsState.kind == "list", ImportsState.list_id, ""),
            },
        ),
    )


def _idle() -> rx.Component:
    return rx.el.div(
        icon("file-up", theme.ICON + 8),
        rx.el.label(
            "Choose a file",
            rx.el.input(type="file", accept=".csv,.tsv,.txt,.jsonl,.ndjson", aria_label="Choose a file"),
            class_name="upload-pick",
        ),
        rx.el.span("or drop it here: CSV or JSON Lines, up to 2 GB", class_name="small"),
        class_name="upload-idle",
        custom_attrs={"data-part": "idle"},
    )


def _busy() -> rx.Component:
    return rx.el.div(
        rx.el.div(rx.el.span(class_name="truncate upload-name", custom_attrs={"data-part": "name"}), class_name="row"),
        rx.el.div(
            rx.el.div(class_name="bar-fill", custom_attrs={"data-part": "fill"}),
            class_name="bar",
            role="progressbar",
            aria_label="Upload",
            custom_attrs={"aria-valuemin": 0, "aria-valuemax": 100},
        ),
        rx.el.div(
            rx.el.span(class_name="small tnum", custom_attrs={"data-part": "done"}),
            rx.el.button("Stop", type="button", class_name="link small push-right", custom_attrs={"data-part": "stop"}),
            class_name="row",
        ),
        class_name="upload-busy",
        hidden=True,
        custom_attrs={"data-part": "busy"},
    )


def _history() -> rx.Component:
    older = rx.cond(
        ImportsState.following != "",
        rx.el.div(link("Older imports", to=ImportsState.following), class_name="panel-foot"),
        rx.fragment(),
    )
    return list_panel(
        ImportsState.ready,
        ImportsState.rows.length() > 0,
        table(COLUMNS, ImportsState.rows, _row),
        empty("history", "No imports yet", "Every file that is imported is listed here with what became of its rows."),
        foot=older,
    )


def _row(row: rx.Var[ImportLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            link(
                rx.el.div(row.filename, class_name="cell-title truncate"),
                rx.el.div(row.kind, " · ", row.by, class_name="muted small truncate"),
                to=row.href,
                class_name="cell",
            ),
            class_name="grow",
        ),
        rx.el.td(badge(row.state, job.STATE), class_name="fit"),
        rx.el.td(
            rx.cond(
                row.state == "uploaded",
                rx.el.span("Waits for its columns", class_name="muted small"),
                progress_bar(row.percent, tone=rx.cond(row.state == "finished", "green", "")),
            ),
            class_name="import-progress hide-phone",
        ),
        rx.el.td(row.rows, class_name="num hide-phone"),
        rx.el.td(
            rx.el.span(row.refused, class_name=rx.cond(row.some_refused, "care", "")), class_name="num hide-phone"
        ),
        rx.el.td(rx.el.span(row.created.short, title=row.created.exact), class_name="fit hide-narrow"),
        key=row.id,
    )
