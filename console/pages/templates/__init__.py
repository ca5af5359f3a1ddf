"""Templates: found, opened, used, copied, put away."""

import reflex as rx

from console import routes, theme
from console.components.feedback import empty
from console.components.layout import icon, icon_button, link, page_head
from console.components.tables import Column, list_panel, table
from console.pages.templates import editor
from console.rows.templates import TemplateLine
from console.shell import page
from console.states.templates import TemplatesState

COLUMNS = (
    Column("Template", "grow"),
    Column("Version", "num"),
    Column("Used in", "fit hide-narrow"),
    Column("Saved", "fit hide-phone"),
    Column("", "actions"),
)


@page(routes.TEMPLATES, "Templates", on_load=[TemplatesState.load])
def templates() -> rx.Component:
    """The app's templates with their search."""
    return rx.fragment(
        page_head("Templates", _new()),
        rx.el.div(
            rx.el.div(
                rx.el.input(
                    id="search",
                    type="search",
                    placeholder="Search templates",
                    aria_label="Search templates",
                    class_name="input",
                    default_value=TemplatesState.search,
                    key=rx.cond(TemplatesState.ready, "ready", "loading"),
                    on_change=TemplatesState.look_for.debounce(250),
                ),
                class_name="grow",
            ),
            class_name="toolbar",
        ),
        list_panel(
            TemplatesState.ready,
            TemplatesState.rows.length() > 0,
            table(COLUMNS, TemplatesState.rows, _row),
            rx.cond(TemplatesState.search != "", _no_match(), _first()),
            foot=_more(),
        ),
    )


def _new() -> rx.Component:
    return link(rx.button(icon("plus"), "New template"), to=routes.NEW_TEMPLATE, class_name="")


def _row(row: rx.Var[TemplateLine]) -> rx.Component:
    nowhere = rx.el.span("Nowhere yet", class_name="muted")
    return rx.el.tr(
        rx.el.td(
            link(
                rx.el.div(row.name, class_name="cell-title truncate", title=row.name),
                rx.el.div(row.said, class_name="muted small truncate", title=row.said),
                to=row.href,
                class_name="cell",
            ),
            class_name="grow",
        ),
        rx.el.td(row.version, class_name="num"),
        rx.el.td(
            rx.cond(row.used != "", rx.el.span(row.used, title=row.used_by), nowhere), class_name="fit hide-narrow"
        ),
        rx.el.td(
            rx.el.div(row.saved.short, title=row.saved.exact),
            rx.el.div(row.by, class_name="muted small truncate clip", title=row.by),
            class_name="fit hide-phone",
        ),
        rx.el.td(_actions(row), class_name="actions"),
        key=row.id,
    )


def _actions(row: rx.Var[TemplateLine]) -> rx.Component:
    return rx.el.div(
        icon_button("megaphone", "Use in a new campaign", on_click=TemplatesState.use(row.id)),
        icon_button(
            "copy-plus", "Duplicate", on_click=TemplatesState.duplicate(row.id), class_name="icon-button hide-phone"
        ),
        icon_button("archive", "Archive", on_click=TemplatesState.archive(row.id)),
        class_name="row-actions",
    )


def _first() -> rx.Component:
    return empty(
        "layout-template",
        "No templates yet",
        "Write a message once; campaigns and programs send it, and every save is a version to go back to.",
        _new(),
    )


def _no_match() -> rx.Component:
    show_all = link(rx.button("Show all", variant="soft"), to=routes.TEMPLATES, class_name="")
    return empty("search-x", "No template matches", "Try a part of another name.", show_all)


def _more() -> rx.Component:
    older = rx.el.div(
        link(
            "Older templates", icon("arrow-right", theme.ICON_SMALL), to=TemplatesState.following, class_name="link row"
        ),
        class_name="panel-foot",
    )
    return rx.cond(TemplatesState.following != "", older, rx.fragment())


__all__ = ["editor", "templates"]
