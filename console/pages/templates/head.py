"""A template's title row: what it is called, whether it is saved, and what can be done with it."""

import reflex as rx

from console import routes, theme
from console.components import draft, keep
from console.components.layout import back_link, icon, page_head
from console.states.compose import CONFLICT
from console.states.template import TemplateState
from console.states.templates import TemplatesState

STORE = TemplateState.save(draft.now())
MOST = 200


def head() -> rx.Component:
    """Of one that is kept."""
    return page_head(_name(), _saved(), _more(), _save("Save version"), badge=_version(), back=_back())


def new_head() -> rx.Component:
    return page_head(_name(auto_focus=True), _saved(), _save("Save template"), back=_back())


def _back() -> rx.Component:
    return back_link("Templates", routes.TEMPLATES)


def _name(**props) -> rx.Component:
    return rx.el.input(
        default_value=draft.draft_var.value["name"].to(str),
        key=f"name-{draft.draft_var.value['revision']}",
        aria_label="Template name",
        placeholder="Name this template",
        max_length=MOST,
        class_name="name-input",
        id="template-name",
        auto_complete="off",
        on_change=draft.put("name"),
        aria_invalid=TemplateState.judged.name != "",
        title=TemplateState.judged.name,
        **props,
    )


def _version() -> rx.Component:
    return rx.badge("Version ", TemplateState.version, color_scheme=theme.QUIET, variant="soft", class_name="tnum")


def _saved() -> rx.Component:
    """Whether something was typed since; what a page says that is left with it."""
    collides = rx.fragment(icon("triangle-alert", theme.ICON_SMALL), "Not saved")
    typed = rx.fragment(icon("circle-dot", theme.ICON_SMALL), "Unsaved changes")
    kept = rx.cond(
        TemplateState.version > 0, rx.fragment(icon("check", theme.ICON_SMALL), "Saved"), rx.fragment("Not saved yet")
    )
    return rx.el.span(
        rx.cond(TemplateState.saved == CONFLICT, collides, rx.cond(keep.saving(), typed, kept)),
        class_name="saved",
        aria_live="polite",
        custom_attrs={"data-unsaved": rx.cond(keep.saving(), "true", "false")},
    )


def _save(word: str) -> rx.Component:
    return rx.button(word, id="save", data_save="true", on_click=STORE, variant=rx.cond(keep.saving(), "solid", "soft"))


def _more() -> rx.Component:
    """What is done seldom. A template in use is archived as well: campaigns on their way keep what they say."""
    key = TemplateState.key
    return rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(
            rx.el.button(
                icon("ellipsis", theme.ICON), type="button", aria_label="More actions", class_name="icon-button"
            )
        ),
        rx.dropdown_menu.content(
            rx.dropdown_menu.item(
                icon("megaphone", theme.ICON_SMALL), "Use in a new campaign", on_select=TemplatesState.use(key)
            ),
            rx.dropdown_menu.item(
                icon("copy-plus", theme.ICON_SMALL), "Duplicate", on_select=TemplatesState.duplicate(key)
            ),
            rx.dropdown_menu.separator(),
            rx.dropdown_menu.item(
                icon("archive", theme.ICON_SMALL),
                "Archive",
                on_select=[TemplatesState.archive(key), rx.redirect(routes.TEMPLATES)],
            ),
        ),
    )
