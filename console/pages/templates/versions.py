"""A template's past and its users: versions, one of them beside another, campaigns, and the call that sends it."""

import reflex as rx

from console import routes, theme
from console.components.confirm import confirm
from console.components.layout import back_link, copyable, icon, link, page_head, panel
from console.components.tables import Column, table
from console.pages.compose.preview import preview_of_template
from console.rows.segments import Link
from console.rows.templates import CompareLine, VersionLine
from console.states.template import TemplateState
from console.states.template_versions import TemplateVersionsState

COLUMNS = (
    Column("Version", "fit"),
    Column("What changed", "grow"),
    Column("Saved", "fit hide-phone"),
    Column("By", "fit hide-narrow"),
    Column("", "actions"),
)
SIDES = (Column("Field", "fit"), Column("This version", "half-cell"), Column("Compared with", "half-cell"))


def versions() -> rx.Component:
    """All of them, newest first."""
    return panel(table(COLUMNS, TemplateVersionsState.rows, _version), title="Versions", flush=True)


def _version(row: rx.Var[VersionLine]) -> rx.Component:
    in_use = rx.badge("In use", color_scheme=theme.GOOD, variant="soft")
    restored = rx.el.div("Restored from version ", row.restored_from, class_name="muted small")
    return rx.el.tr(
        rx.el.td(
            rx.el.div(
                rx.el.span(row.number, class_name="strong"),
                rx.cond(row.newest, in_use, rx.fragment()),
                class_name="row",
            ),
            class_name="fit",
        ),
        rx.el.td(
            rx.el.div(row.changes, class_name="truncate", title=row.changes),
            rx.cond(row.restored_from > 0, restored, rx.fragment()),
            rx.el.div(row.saved.short, " · ", row.by, class_name="only-phone muted small pre"),
            class_name="grow",
        ),
        rx.el.td(rx.el.span(row.saved.short, title=row.saved.exact), class_name="fit hide-phone"),
        rx.el.td(row.by, class_name="fit hide-narrow"),
        rx.el.td(rx.cond(row.newest, rx.fragment(), link("Look at it", to=row.href)), class_name="actions"),
        key=row.number.to_string(),
    )


def usage() -> rx.Component:
    """By whom it is sent, and how a program does."""
    nowhere = rx.el.span("No campaign on its way takes its text from here.", class_name="muted")
    used = rx.cond(
        TemplateVersionsState.uses.length() > 0,
        rx.el.ul(rx.foreach(TemplateVersionsState.uses, use), class_name="stack-s"),
        nowhere,
    )
    call = rx.el.div(
        rx.el.p("A program of yours sends it to one user or many, with a server key.", class_name="muted"),
        rx.el.pre(TemplateVersionsState.snippet, class_name="code", id="snippet", tab_index=0),
        class_name="stack-s",
    )
    return rx.fragment(
        panel(used, title="Used in"),
        panel(call, title="Send it by API", aside=copyable(TemplateVersionsState.snippet, "Copy the call")),
    )


def use(one: rx.Var[Link]) -> rx.Component:
    return rx.el.li(
        link(one.label, to=one.href, class_name="link truncate"),
        rx.el.span(one.note, class_name="muted small"),
        class_name="stack-0",
        key=one.href,
    )


def old_version() -> rx.Component:
    """One that is not in use: only to be looked at."""
    looking = TemplateVersionsState.looking
    return rx.fragment(
        page_head(
            TemplateState.name,
            _restore(looking),
            badge=rx.badge(
                "Version ", looking.number, " of ", TemplateState.version, color_scheme=theme.CARE, variant="soft"
            ),
            back=back_link("Back to the template", routes.template(TemplateState.key)),
        ),
        rx.el.div(_compared(looking), preview_of_template(), class_name="compose"),
    )


def _restore(looking: rx.Var[VersionLine]) -> rx.Component:
    return confirm(
        rx.button(icon("history"), "Restore", id="restore"),
        rx.fragment("Restore version ", looking.number, "?"),
        rx.fragment(
            "It becomes a new version of “", TemplateState.name, "”. Drafts that use the template say it from then on; "
            "version ", TemplateState.version, " stays in the history.",
        ),
        "Restore version",
        TemplateVersionsState.restore,
        keep="Cancel",
        tone=theme.ACT,
    )  # fmt: skip


def _compared(looking: rx.Var[VersionLine]) -> rx.Component:
    who = rx.el.p(
        "Saved by ",
        looking.by,
        " ",
        rx.el.time(looking.saved.short, title=looking.saved.exact),
        class_name="panel-note muted",
    )
    other = rx.el.label(
        rx.el.span("Compare with", class_name="muted small nowrap"),
        rx.el.select(
            rx.foreach(TemplateVersionsState.rows, _choice),
            class_name="input",
            id="against",
            value=TemplateVersionsState.against.to_string(),
            on_change=TemplateVersionsState.compare,
        ),
        class_name="row select-fit",
    )
    table_of_both = table(SIDES, TemplateVersionsState.lines, _field, class_name="table table-compare")
    return panel(who, table_of_both, title="What it says", aside=other, flush=True)


def _choice(row: rx.Var[VersionLine]) -> rx.Component:
    said = rx.fragment("Version ", row.number, rx.cond(row.newest, " (in use)", ""))
    shown = rx.el.option(said, value=row.number.to_string())
    return rx.cond(row.number == TemplateVersionsState.looking.number, rx.fragment(), shown)


def _field(line: rx.Var[CompareLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(line.label, class_name="fit strong"),
        rx.el.td(line.one, class_name="half-cell"),
        rx.el.td(rx.cond(line.differs, line.other, rx.el.span("The same", class_name="muted")), class_name="half-cell"),
        custom_attrs={"data-differs": line.differs},
        key=line.label,
    )
