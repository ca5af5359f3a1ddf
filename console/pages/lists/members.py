"""One list: its people, and the ways in."""

import reflex as rx

from console import routes, theme
from console.components.confirm import confirm
from console.components.download import download_link
from console.components.feedback import empty, missing, note, skeleton_rows
from console.components.forms import choose_from, field, text_area, text_input
from console.components.layout import back_link, icon, icon_button, link, page_head, panel
from console.components.tables import Column, list_panel, table
from console.rows.lists import MemberLine, UseLine
from console.shell import page
from console.states.lists_members import ListState
from console.states.session import RANK, SessionState

KEPT = "Segments and campaigns that use it go on using it."
EDITOR = SessionState.me.rank >= RANK["editor"]
COLUMNS = (
    Column("User", "grow"),
    Column("Language", "fit hide-phone"),
    Column("Country", "fit hide-phone"),
    Column("Last active", "fit hide-phone"),
    Column("", "actions"),
)
row = ListState.row


@page(routes.LIST, "List", on_load=[ListState.load])
def static_list() -> rx.Component:
    """Its people with search, and for editors the ways in and out."""
    return rx.cond(
        ListState.missing,
        panel(missing("list", routes.LISTS, "All lists"), flush=True),
        rx.cond(ListState.ready, _shown(), panel(skeleton_rows(5), flush=True)),
    )


def _shown() -> rx.Component:
    return rx.fragment(
        page_head(
            row.name, rx.cond(EDITOR, _actions(), rx.fragment()), badge=_size(), back=back_link("Lists", routes.LISTS)
        ),
        rx.el.div(
            rx.cond(row.uses.length() > 0, _uses(), rx.fragment()),
            rx.cond(EDITOR, _ways_in(), rx.fragment()),
            _people(),
            class_name="stack-l",
        ),
        _rename(),
    )


def _size() -> rx.Component:
    return rx.badge(icon("users", theme.ICON_SMALL - 2), row.size, color_scheme=theme.QUIET, variant="soft")


def _actions() -> rx.Component:
    export = rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(
            rx.button(icon("download", theme.ICON_SMALL), "Export", variant="soft", color_scheme=theme.QUIET)
        ),
        rx.dropdown_menu.content(
            *[
                rx.dropdown_menu.item(
                    download_link(label, href=f"/files/export/lists/{row.id}?format={form}", class_name=""),
                    as_child=True,
                )
                for label, form in (("CSV", "csv"), ("JSON Lines", "jsonl"))
            ],
            variant="soft",
        ),
    )
    archive = confirm(
        rx.button("Archive", variant="soft", color_scheme=theme.QUIET),
        "Archive this list?",
        rx.fragment("“", row.name, "” with ", row.size, " can no longer be chosen. The people stay."),
        "Archive list",
        ListState.archive,
    )
    return rx.fragment(
        archive,
        rx.button("Rename", variant="soft", color_scheme=theme.QUIET, on_click=ListState.show_name(True)),
        export,
        link(
            rx.button(icon("upload", theme.ICON_SMALL), "Import a file"),
            to=f"{routes.IMPORTS}?kind=list&list={row.id}",
            class_name="",
        ),
    )


def _uses() -> rx.Component:
    return panel(rx.el.div(rx.foreach(row.uses, _use), class_name="uses"), title="Used in")


def _use(use: rx.Var[UseLine]) -> rx.Component:
    return rx.el.span(rx.el.span(use.kind, " ", class_name="muted"), link(use.name, to=use.href))


def _ways_in() -> rx.Component:
    return panel(
        rx.el.div(_paste(), _from_segment(), class_name="list-grow"),
        rx.cond(
            ListState.said != "",
            rx.el.div(
                rx.cond(ListState.partly, note(ListState.said, tone=theme.CARE), note(ListState.said, tone=theme.GOOD)),
                class_name="after",
                role="status",
            ),
            rx.fragment(),
        ),
        title="Add people",
    )


def _paste() -> rx.Component:
    return rx.form(
        rx.el.div(
            field(
                "User ids",
                text_area("user_ids", key=ListState.rounds, rows="3", placeholder="One a line, or parted by commas"),
                name="user_ids",
                error=ListState.wrong,
                help_text="Up to 10,000 at a time; for more, import a file.",
            ),
            rx.el.div(rx.button("Add", type="submit", variant="soft")),
            class_name="stack-s",
        ),
        on_submit=ListState.add,
    )


def _from_segment() -> rx.Component:
    form = rx.form(
        rx.el.div(
            field(
                "Everybody of a segment",
                choose_from("segment_id", ListState.segments),
                name="segment_id",
                help_text="Who is in it now; later changes to the segment change nothing here.",
            ),
            rx.el.div(rx.button("Fill", type="submit", variant="soft")),
            class_name="stack-s",
        ),
        on_submit=ListState.fill,
    )
    nothing = rx.el.div(
        rx.el.span("Everybody of a segment", class_name="field-label"),
        rx.el.span("There are no segments yet.", class_name="muted small"),
        class_name="field",
    )
    return rx.cond(ListState.segments.length() > 0, form, nothing)


def _people() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.el.div(
                rx.el.input(
                    id="search",
                    type="search",
                    placeholder="Search user ids",
                    aria_label="Search user ids",
                    class_name="input",
                    default_value=ListState.search,
                    on_change=ListState.look_for.debounce(250),
                ),
                class_name="grow",
            ),
            class_name="toolbar list-search",
        ),
        list_panel(
            ListState.ready,
            ListState.members.length() > 0,
            table(COLUMNS, ListState.members, _member),
            rx.cond(
                ListState.search != "",
                empty("search-x", "Nobody matches", "Try a part of another user id."),
                empty(
                    "users", "Nobody is in this list yet", "Paste user ids, fill it from a segment, or import a file."
                ),
            ),
            foot=_more(),
        ),
    )


def _member(member: rx.Var[MemberLine]) -> rx.Component:
    out = icon_button("x", "Remove from the list", on_click=ListState.remove(member.user_id))
    return rx.el.tr(
        rx.el.td(
            rx.cond(
                member.user_id != "",
                link(
                    rx.el.div(member.user_id, class_name="cell-title truncate"),
                    to=f"/people/{member.id}",
                    class_name="cell",
                ),
                rx.el.span("Anonymous", class_name="muted"),
            ),
            class_name="grow",
        ),
        rx.el.td(member.language, class_name="fit hide-phone"),
        rx.el.td(member.country, class_name="fit hide-phone"),
        rx.el.td(rx.el.span(member.active.short, title=member.active.exact), class_name="fit hide-phone"),
        rx.el.td(rx.cond(EDITOR & (member.user_id != ""), out, rx.fragment()), class_name="actions"),
        key=member.id,
    )


def _more() -> rx.Component:
    return rx.cond(
        ListState.following != "",
        rx.el.div(link("More people", to=ListState.following), class_name="panel-foot"),
        rx.fragment(),
    )


def _rename() -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Rename list", size="5"),
            rx.dialog.description(KEPT, class_name="dialog-text"),
            rx.form(
                rx.el.div(
                    field("Name", text_input("new_name", default_value=row.name, max_length=200), name="new_name"),
                    rx.el.div(
                        rx.dialog.close(rx.button("Cancel", variant="soft", color_scheme=theme.QUIET, type="button")),
                        rx.button("Rename", type="submit"),
                        class_name="dialog-actions",
                    ),
                    class_name="stack after-l",
                ),
                on_submit=ListState.rename,
            ),
            max_width=theme.DIALOG,
        ),
        open=ListState.renaming,
        on_open_change=ListState.show_name,
    )
