"""How a file is read and what its columns become."""

import reflex as rx

from console import theme
from console.components.feedback import skeleton_rows
from console.components.forms import choose, field
from console.components.layout import icon, panel
from console.rows.imports import DELIMITER, ColumnLine, Option, PreviewLine
from console.states.imports_job import ImportJobState

job = ImportJobState.job


def layout() -> rx.Component:
    """What was recognised of the file; for CSV it can be read in another way."""
    return panel(
        rx.el.div(
            rx.el.div(rx.el.span("Recognised", class_name="field-label"), rx.el.span(job.layout), class_name="field"),
            rx.cond(job.csv, _separator(), rx.fragment()),
            rx.cond(job.csv, _header(), rx.fragment()),
            rx.cond(job.needs_list, _list(), rx.fragment()),
            class_name="pair",
        ),
        title="The file",
    )


def _separator() -> rx.Component:
    control = choose(
        "delimiter",
        tuple(DELIMITER.items()),
        value=job.delimiter,
        on_change=lambda value: ImportJobState.read_as(value, job.header),
    )
    return field("Columns are parted by", control, name="delimiter")


def _header() -> rx.Component:
    return rx.el.label(
        rx.switch(checked=job.header, on_change=lambda on: ImportJobState.read_as(job.delimiter, on), size="1"),
        rx.el.span("The first row holds the names of the columns"),
        class_name="switch-row",
    )


def _list() -> rx.Component:
    control = rx.el.select(
        rx.el.option("Choose a list", value=""),
        rx.foreach(ImportJobState.lists, _option),
        id="target-list",
        class_name="input",
        value=job.list_id,
        on_change=ImportJobState.into,
    )
    return field("People go to", control, name="target-list")


def _option(option: rx.Var[Option]) -> rx.Component:
    return rx.el.option(option.label, value=option.value)


def columns() -> rx.Component:
    """Each column with its first values, and what becomes of it; a change is kept at once."""
    head = rx.el.div(
        *[rx.el.span(name) for name in ("Column", "Becomes", "Attribute's name", "Kind")],
        class_name="column-row column-head",
    )
    return panel(
        rx.cond(
            ImportJobState.columns.length() > 0,
            rx.el.div(head, rx.foreach(ImportJobState.columns, _column), class_name="columns-grid"),
            skeleton_rows(4),
        ),
        title="Columns",
        flush=True,
    )


def _column(line: rx.Var[ColumnLine]) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.div(line.column, class_name="cell-title truncate", title=line.column),
            rx.el.div(line.sample, class_name="muted small truncate", title=line.sample),
            class_name="stack-0",
        ),
        rx.el.select(
            rx.foreach(job.targets, _option),
            value=line.target,
            aria_label=f"{line.column} becomes",
            aria_invalid=line.problem != "",
            class_name="input column-to",
            on_change=lambda value: ImportJobState.becomes(line.place, value),
        ),
        rx.cond(
            line.target == "attribute",
            _attribute(line),
            rx.fragment(rx.el.span(class_name="hide-phone"), rx.el.span(class_name="hide-phone")),
        ),
        rx.cond(
            line.problem != "",
            rx.el.span(
                icon("circle-alert", theme.ICON_SMALL - 2),
                line.problem,
                class_name="field-error column-wrong",
                role="alert",
            ),
            rx.fragment(),
        ),
        class_name="column-row",
        key=line.column,
        data_off=line.target == "ignore",
    )


def _attribute(line: rx.Var[ColumnLine]) -> rx.Component:
    return rx.fragment(
        rx.el.input(
            default_value=line.name,
            key=f"{line.column}-{line.target}",
            aria_label=f"Attribute's name for {line.column}",
            max_length=64,
            class_name="input",
            on_blur=lambda value: ImportJobState.name_it(line.place, value),
        ),
        rx.el.select(
            rx.foreach(job.types, _option),
            value=line.kind,
            aria_label=f"Kind of {line.column}",
            class_name="input",
            on_change=lambda value: ImportJobState.type_it(line.place, value),
        ),
    )


def preview() -> rx.Component:
    """The first rows as they were read."""
    head = rx.el.tr(
        rx.el.th("Row", scope="col"),
        rx.foreach(ImportJobState.columns, lambda line: rx.el.th(line.column, scope="col", title=line.column)),
    )
    return panel(
        rx.el.div(
            rx.el.table(
                rx.el.thead(head),
                rx.el.tbody(rx.foreach(ImportJobState.preview, _row)),
                class_name="table preview-table",
            ),
            class_name="table-scroll",
            tab_index=0,
            role="region",
            aria_label="First rows",
        ),
        title="First rows",
        flush=True,
    )


def _row(line: rx.Var[PreviewLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(line.number), rx.foreach(line.cells, lambda cell: rx.el.td(cell, title=cell)), key=line.number
    )
