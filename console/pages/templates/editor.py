"""One template: its message beside its preview, the data it needs, its versions, and where it is used."""

import reflex as rx

from console import routes, theme
from console.components import draft, keep
from console.components.data_editor import data_editor
from console.components.feedback import missing, note, skeleton_text
from console.components.layout import back_link, page_head, panel
from console.components.message_form import message_form
from console.components.picture_facts import picture_facts
from console.components.tabs import tab_bar, tab_panel
from console.pages.compose.clash import undecided
from console.pages.compose.preview import preview_of_template
from console.pages.templates.head import head, new_head
from console.pages.templates.versions import old_version, usage, versions
from console.shell import loaded, page
from console.states.compose import CONFLICT
from console.states.preview import PreviewState
from console.states.telling import TellingState
from console.states.template import TemplateState
from console.states.template_tabs import TemplateTabsState, tab_var
from console.states.template_text import NEW, TemplateTextState
from console.states.template_versions import TemplateVersionsState
from console.states.writing import WritingState

EDITED = [TemplateState.heard(draft.now()), PreviewState.follow(draft.now())]
PREVIEW = [TellingState.load, PreviewState.load]


@page(routes.NEW_TEMPLATE, "New template", on_load=[*PREVIEW, TemplateTabsState.load, TemplateState.start])
def new_template() -> rx.Component:
    """An empty message, kept once it is saved."""
    return _page()


@page(
    routes.TEMPLATE,
    "Template",
    on_load=[*PREVIEW, TemplateTabsState.load, TemplateState.load, TemplateVersionsState.load],
)
def template() -> rx.Component:
    """A template that is kept, or an old version of it."""
    gone = panel(missing("template", routes.TEMPLATES, "All templates"), flush=True)
    return rx.cond(TemplateState.missing, gone, _page())


def _page() -> rx.Component:
    return rx.cond(
        loaded(TemplateState.ready),
        rx.cond(TemplateVersionsState.looking.number > 0, old_version(), _writing()),
        rx.fragment(page_head("Template", back=back_link("Templates", routes.TEMPLATES)), panel(skeleton_text(5))),
    )


def _writing() -> rx.Component:
    return rx.cond(
        TemplateState.key == NEW,
        rx.fragment(new_head(), _bar(("message", "Message"), ("data", _data_tab())), _notices(), _tabs()),
        rx.fragment(
            head(),
            _bar(("message", "Message"), ("data", _data_tab()), ("versions", "Versions"), ("use", "Use")),
            _notices(),
            _tabs(tab_panel("versions", tab_var, versions()), tab_panel("use", tab_var, usage())),
        ),
    )


def _bar(*tabs: tuple[str, rx.Component | str]) -> rx.Component:
    return tab_bar(tabs, tab_var, "Parts of the template")


def _data_tab() -> rx.Component:
    wrong = rx.el.span(class_name="mf-dot", data_tone=theme.BAD, title="Something is wrong here")
    return rx.fragment("Data", rx.cond(TemplateState.judged.schema.length() > 0, wrong, rx.fragment()))


def _tabs(*more: rx.Component) -> rx.Component:
    """Message and data have the preview beside them."""
    written = (tab_var.value == "message") | (tab_var.value == "data")
    return rx.fragment(
        rx.el.div(
            rx.el.div(tab_panel("message", tab_var, _message()), tab_panel("data", tab_var, _data())),
            preview_of_template(),
            class_name="compose",
            hidden=~written,
        ),
        *more,
    )


def _message() -> rx.Component:
    form = message_form(
        EDITED,
        TemplateState.problems + PreviewState.wrong,
        WritingState.coverage,
        WritingState.menu,
        picture_facts(draft.shown("image")),
        ask=WritingState.look_around(draft.now()),
    )
    return panel(form, title="Message")


def _data() -> rx.Component:
    edited = [*EDITED, WritingState.look_around(draft.now())]
    return panel(data_editor(edited, TemplateState.judged.schema, TemplateState.judged.reads), title="Required data")


def _notices() -> rx.Component:
    """What came back from before, what two people have changed, and what belongs to no field."""
    settle = [TemplateState.settle(draft.now())]
    back = note(
        rx.el.div(
            rx.el.span("This was typed here before, and is not saved."),
            rx.button(
                "Discard it",
                size="1",
                variant="soft",
                color_scheme=theme.QUIET,
                on_click=TemplateState.discard,
            ),
            class_name="row-wrap",
        )
    )
    other = TemplateState.judged.other
    return rx.fragment(
        rx.cond(
            TemplateTextState.resumed & keep.saving(),
            rx.el.div(back, class_name="under-l", role="status"),
            rx.fragment(),
        ),
        rx.cond(TemplateState.saved == CONFLICT, undecided("template", settle), rx.fragment()),
        rx.cond(other != "", rx.el.div(note(other, tone=theme.BAD), class_name="under-l"), rx.fragment()),
    )


__all__ = ["new_template", "template"]
