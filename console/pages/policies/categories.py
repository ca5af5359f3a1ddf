"""The kinds of push: a table, and the dialog of one of them."""

import reflex as rx

from console import theme
from console.components.badges import badge
from console.components.confirm import confirm
from console.components.feedback import note, skeleton_rows
from console.components.forms import choose, field, text_area, text_input
from console.components.layout import icon, icon_button, panel
from console.components.tables import Column, table
from console.pages.policies.limits import cap_rows
from console.rows.categories import KINDS, CategoryLine
from console.states.categories import CategoriesState

COLUMNS = (
    Column("Category", "grow"),
    Column("Kind", "fit"),
    Column("Default", "fit hide-phone"),
    Column("Caps", "fit hide-narrow"),
    Column("", "actions"),
)


def categories() -> rx.Component:
    tools = rx.el.div(
        rx.el.label(
            rx.switch(checked=CategoriesState.archived, on_change=CategoriesState.show_archived, size="1"),
            rx.el.span("Archived too", class_name="muted small"),
            class_name="row",
        ),
        rx.button(icon("plus", theme.ICON_SMALL), "Add category", size="1", on_click=CategoriesState.edit("")),
        class_name="row gap-m",
    )
    return panel(
        rx.el.p(
            "What people may switch on and off, each for itself. A category's own caps hold beside those of the app.",
            class_name="muted panel-note",
        ),
        rx.cond(CategoriesState.ready, table(COLUMNS, CategoriesState.lines, _row), skeleton_rows(3)),
        title="Categories",
        aside=tools,
        flush=True,
        id="categories",
    )


def _row(row: rx.Var[CategoryLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.el.div(
                rx.el.span(row.name, class_name="strong truncate", title=row.name),
                rx.el.span(row.slug, class_name="mono muted truncate hide-phone"),
                rx.cond(row.archived, badge("archived", theme.ARCHIVED), rx.fragment()),
                class_name="row",
            ),
            rx.cond(
                row.description != "",
                rx.el.div(row.description, class_name="muted small truncate", title=row.description),
                rx.fragment(),
            ),
            class_name="grow",
        ),
        rx.el.td(badge(row.kind, theme.CATEGORY), class_name="fit"),
        rx.el.td(row.default, class_name="fit hide-phone"),
        rx.el.td(row.caps, class_name="fit hide-narrow"),
        rx.el.td(_actions(row), class_name="actions"),
        key=row.slug,
    )


def _actions(row: rx.Var[CategoryLine]) -> rx.Component:
    put_away = confirm(
        icon_button("archive", "Archive"),
        rx.fragment("Archive “", row.name, "”?"),
        "No campaign can choose it any more and the preference page no longer shows it. What people said is kept.",
        "Archive",
        CategoriesState.archive(row.slug),
        tone=theme.ACT,
    )
    back = icon_button("archive-restore", "Restore", on_click=CategoriesState.restore(row.slug))
    return rx.el.span(
        icon_button("pencil", "Edit", on_click=CategoriesState.edit(row.slug)),
        rx.cond(row.archived, back, put_away),
        class_name="row-actions",
    )


def category_dialog() -> rx.Component:
    form = CategoriesState.form
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(rx.cond(form.slug != "", "Edit category", "New category"), size="5"),
            rx.dialog.description(
                "What its pushes are about, and what people may say to it.", class_name="dialog-text"
            ),
            rx.form(_fields(), on_submit=CategoriesState.save, key=f"category-{CategoriesState.revision}"),
            max_width=theme.DIALOG_WIDE,
        ),
        open=CategoriesState.open,
        on_open_change=CategoriesState.show,
    )


def _fields() -> rx.Component:
    form, problems = CategoriesState.form, CategoriesState.problems
    new = form.slug == ""
    kinds = [(str(kind), f"{word}: {text[:1].lower()}{text[1:]}") for kind, word, text in KINDS]
    return rx.el.div(
        rx.el.div(
            field(
                "Name",
                text_input(
                    "category_name", default_value=form.name, required=True, max_length=200, invalid=problems.name != "",
                    auto_complete="off",
                ),
                name="category_name",
                error=problems.name,
            ),
            field(
                "Slug",
                text_input(
                    "category_slug", default_value=form.slug, disabled=~new, required=True, auto_complete="off",
                    spell_check=False, invalid=problems.slug != "", placeholder="weekly-offers",
                ),
                name="category_slug",
                error=problems.slug,
                help_text=rx.cond(new, "For programs; it never changes.", "Cannot be changed: programs use it."),
            ),
            class_name="pair",
        ),
        field("Kind", choose("category_kind", kinds, default_value=form.kind), name="category_kind"),
        field(
            "Who has said nothing",
            choose(
                "category_default",
                (("opted_in", "Gets it, until they switch it off"), ("opted_out", "Does not get it, until they ask for it")),
                default_value=form.default,
            ),
            name="category_default",
            error=problems.default,
        ),
        field(
            "Description",
            text_area("category_description", default_value=form.description, max_length=300, rows=2),
            name="category_description",
            error=problems.description,
            help_text="Shown to people where they choose what they get.",
        ),
        _caps(),
        rx.cond(form.asking != "", note(form.asking, tone=theme.CARE), rx.fragment()),
        rx.cond(problems.other != "", note(problems.other, tone=theme.BAD), rx.fragment()),
        rx.el.div(
            rx.dialog.close(rx.button("Cancel", type="button", variant="soft", color_scheme=theme.QUIET)),
            rx.button(rx.cond(form.asking != "", "Yes, save", "Save"), type="submit"),
            class_name="dialog-actions",
        ),
        class_name="stack after-l",
    )  # fmt: skip


def _caps() -> rx.Component:
    form = CategoriesState.form
    return rx.el.div(
        rx.el.span("Caps", class_name="field-label"),
        cap_rows(form.caps, CategoriesState.cap, CategoriesState.drop_cap, "None of its own; the app's caps hold.", CategoriesState.revision),
        rx.el.div(
            rx.button(
                icon("plus", theme.ICON_SMALL), "Add cap", type="button", size="1", variant="soft",
                color_scheme=theme.QUIET, on_click=CategoriesState.add_cap,
            )
        ),
        rx.cond(
            form.then != "",
            rx.el.div(icon("history", theme.ICON_SMALL), rx.el.span(form.then), class_name="policy-then", role="status"),
            rx.fragment(),
        ),
        class_name="stack-s",
    )  # fmt: skip
