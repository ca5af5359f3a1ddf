"""What is said: the form of the message, and what kind of push it is."""

import reflex as rx

from console import routes
from console.components import draft, keep
from console.components.feedback import note
from console.components.forms import choose_from
from console.components.layout import link, panel
from console.components.message_form import message_form
from console.components.picture_facts import picture_facts
from console.rows.experiment import VariantLine
from console.states.compose import ComposeState
from console.states.content import ContentState
from console.states.experiment import ExperimentState
from console.states.preview import PreviewState
from console.states.send_rules import SendRulesState
from console.states.steps import StepsState
from console.states.writing import WritingState


def message_step() -> rx.Component:
    """The panel of the wording."""
    form = message_form(
        [ContentState.store(draft.now())],
        ComposeState.problems + PreviewState.wrong,
        WritingState.coverage,
        WritingState.menu,
        picture_facts(draft.shown("image")),
        ask=WritingState.look,
    )
    return panel(
        rx.foreach(StepsState.variants, _of_template),
        form,
        title="Message",
        aside=rx.el.div(_use_template(), _category(), class_name="row-wrap"),
    )


def _use_template() -> rx.Component:
    """A whole message that is there already; its own words can be had back."""
    choices = ExperimentState.templates
    choose = rx.el.select(
        rx.el.option("Use a template…", value=""),
        rx.foreach(choices, lambda one: rx.el.option(one.label, value=one.value)),
        value="",
        aria_label="Use a template",
        class_name="input",
        on_change=lambda chosen: ExperimentState.use_template(keep.variant(), chosen),
    )
    return rx.cond(choices.length() > 0, rx.el.span(choose, class_name="row select-fit"), rx.fragment())


def _of_template(line: rx.Var[VariantLine]) -> rx.Component:
    """What is shown are a template's words, as they are now."""
    said = rx.el.div(
        rx.el.span(
            "This is a template's message. What you change here is this campaign's own; the template stays as it is."
        ),
        rx.el.span(
            link("Open the template", to=f"{routes.TEMPLATES}/{line.template_id}"),
            rx.button("Detach", size="1", variant="soft", on_click=ExperimentState.detach(line.at)),
            class_name="row",
        ),
        class_name="row-wrap",
    )
    shown = (line.at == draft.variant()) & (line.template_id != "")
    return rx.cond(shown, rx.el.div(note(said), class_name="under-l"), rx.fragment())


def _category() -> rx.Component:
    return rx.el.label(
        rx.el.span("Category", class_name="muted small"),
        choose_from(
            "category",
            ComposeState.categories,
            value=ComposeState.category,
            on_change=[ComposeState.choose_category, SendRulesState.look],
        ),
        class_name="row select-fit",
    )
