"""One content block: its texts, what somebody reads of them, and who says it."""

import reflex as rx

from console import routes, theme
from console.components.block_form import block_form, block_now
from console.components.confirm import confirm
from console.components.feedback import missing, note, skeleton_text
from console.components.layout import back_link, copyable, icon, page_head, panel
from console.pages.templates.versions import use
from console.rows.blocks import Reading
from console.shell import loaded, page
from console.states.block import BlockState


@page(routes.NEW_BLOCK, "New block", on_load=[BlockState.start])
def new_block() -> rx.Component:
    """An empty one."""
    return _page()


@page(routes.BLOCK, "Block", on_load=[BlockState.load])
def block() -> rx.Component:
    """A block that is kept."""
    return rx.cond(BlockState.missing, panel(missing("block", routes.BLOCKS, "All blocks"), flush=True), _page())


def _page() -> rx.Component:
    return rx.cond(
        loaded(BlockState.ready),
        rx.fragment(_head(), _problem(), rx.el.div(_form(), _side(), class_name="segment")),
        rx.fragment(page_head("Block", back=back_link("Blocks", routes.BLOCKS)), panel(skeleton_text(5))),
    )


def _head() -> rx.Component:
    name = rx.cond(BlockState.given.fresh, "New block", BlockState.given.name)
    save = rx.button(
        "Save",
        id="save",
        data_save="true",
        on_click=BlockState.save(block_now()),
        variant=rx.cond(BlockState.unsaved, "solid", "soft"),
    )
    return page_head(
        name,
        _saved(),
        rx.cond(BlockState.given.fresh, rx.fragment(), _delete()),
        save,
        back=back_link("Blocks", routes.BLOCKS),
    )


def _saved() -> rx.Component:
    typed = rx.fragment(icon("circle-dot", theme.ICON_SMALL), "Unsaved changes")
    kept = rx.cond(BlockState.given.fresh, rx.fragment(), rx.fragment(icon("check", theme.ICON_SMALL), "Saved"))
    return rx.el.span(
        rx.cond(BlockState.unsaved, typed, kept),
        class_name="saved",
        aria_live="polite",
        custom_attrs={"data-unsaved": rx.cond(BlockState.unsaved, "true", "false")},
    )


def _delete() -> rx.Component:
    return confirm(
        rx.el.button(
            icon("trash-2", theme.ICON_SMALL),
            type="button",
            aria_label="Delete",
            title="Delete",
            class_name="icon-button",
        ),
        rx.fragment("Delete ", BlockState.given.name, "?"),
        "The text and its translations are gone for good. What has been launched keeps it.",
        "Delete block",
        BlockState.delete,
    )


def _problem() -> rx.Component:
    said = rx.el.div(note(BlockState.problem, tone=theme.BAD), class_name="under-l")
    return rx.cond(BlockState.problem != "", said, rx.fragment())


def _form() -> rx.Component:
    form = block_form([BlockState.heard], BlockState.given, BlockState.problems, BlockState.menu)
    return panel(form, title="Text")


def _side() -> rx.Component:
    return rx.el.aside(_call(), _readings(), _uses(), class_name="segment-side", aria_label="About the block")


def _call() -> rx.Component:
    call = f"{{{{ block.{BlockState.given.name} }}}}"
    how = rx.el.div(
        rx.el.code(call, class_name="mono strong"), copyable(call, "Copy the call"), class_name="row-between"
    )
    about = "Any text says it by this call, in its own language. Campaigns take it as it is at their launch."
    return rx.cond(
        BlockState.given.fresh,
        rx.fragment(),
        panel(how, rx.el.p(about, class_name="muted small under"), title="In a text"),
    )


def _readings() -> rx.Component:
    whom = rx.cond(BlockState.reader != "", rx.fragment("As ", BlockState.reader, " reads it"), "Preview")
    nothing = rx.el.span("Nothing is written yet.", class_name="muted")
    shown = rx.cond(
        BlockState.readings.length() > 0,
        rx.el.div(rx.foreach(BlockState.readings, _reading), class_name="stack"),
        nothing,
    )
    return panel(shown, title=rx.el.h2(whom, class_name="truncate"), id="readings")


def _reading(one: rx.Var[Reading]) -> rx.Component:
    language = rx.cond(one.language != "", one.language, "All other languages")
    text = rx.el.p(one.text, dir="auto", class_name="inspect-spoken")
    return rx.el.div(
        rx.el.span(language, class_name="muted small"),
        rx.cond(one.problem != "", note(one.problem, tone=theme.CARE), text),
        class_name="stack-xs",
    )


def _uses() -> rx.Component:
    nowhere = rx.el.span("No template and no campaign on its way says it.", class_name="muted")
    listed = rx.cond(
        BlockState.uses.length() > 0, rx.el.ul(rx.foreach(BlockState.uses, use), class_name="stack-s"), nowhere
    )
    return rx.cond(BlockState.given.fresh, rx.fragment(), panel(listed, title="Used in"))
