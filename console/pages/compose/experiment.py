"""The experiment: which wordings compete, for how many people each, and who is held out."""

import reflex as rx

from console import theme
from console.components import draft, keep
from console.components.feedback import note
from console.components.forms import field, text_input, typed
from console.components.layout import icon, icon_button, panel
from console.rows import experiment as rows
from console.rows.experiment import VariantLine
from console.rows.steps import MESSAGE
from console.states.compose import ComposeState
from console.states.content import ContentState
from console.states.experiment import ExperimentState
from console.states.send_rules import SendRulesState
from console.states.steps import StepsState

SLIDER = 100
SPLIT = (
    "Who gets which is decided by chance, once for each person and this campaign: the same person gets the same "
    "variant on every device. Compare them in the report."
)
ALONE = "Everybody gets the same message. Add a second one to compare them."
HELD = "They get nothing, so that you can see what the campaign changes. Chosen by chance, the same ones each time."
STORE = ContentState.store(draft.now())


def experiment() -> rx.Component:
    """Variants and holdout; both are saved as they are changed."""
    return rx.el.div(_variants(), _holdout(), class_name="stack-l")


def _variants() -> rx.Component:
    lines, error = StepsState.variants, ComposeState.errors.experiment
    several = lines.length() > 1
    add = rx.button(
        icon("plus", theme.ICON_SMALL),
        "Add variant",
        variant="soft",
        size="1",
        disabled=lines.length() >= rows.MOST,
        on_click=[STORE, ExperimentState.add(keep.variant())],
    )
    return panel(
        rx.el.p(rx.cond(several, SPLIT, ALONE), class_name="muted panel-note"),
        rx.el.ul(rx.foreach(lines, lambda line: _variant(line, several)), class_name="variants"),
        rx.cond(error != "", rx.el.div(note(error, tone=theme.BAD), class_name="panel-note"), rx.fragment()),
        rx.el.div(
            rx.cond(lines.length() >= rows.MOST, f"{rows.MOST} variants at most.", "A new one begins as a copy."),
            class_name="panel-foot muted small",
        ),
        title="Variants",
        aside=add,
        flush=True,
    )


def _variant(line: rx.Var[VariantLine], several: rx.Var[bool]) -> rx.Component:
    return rx.el.li(
        rx.el.div(_name(line), _actions(line), class_name="row-between"),
        rx.el.div(
            rx.cond(
                line.template_id != "",
                rx.el.span(icon("layout-template", theme.ICON_SMALL), "A template's words", class_name="row muted"),
                rx.el.span(rx.cond(line.said != "", line.said, "Nothing is said yet"), class_name="muted truncate"),
            ),
            class_name="variant-said",
        ),
        rx.cond(several, _share(line), rx.fragment()),
        class_name="variant",
        key=line.at.to_string(),
    )


def _name(line: rx.Var[VariantLine]) -> rx.Component:
    return rx.el.input(
        class_name="input variant-name",
        aria_label="Name of the variant",
        max_length=rows.NAME_LONGEST,
        default_value=line.name,
        key=f"name-{ExperimentState.revision}",
        auto_complete="off",
        **typed(ExperimentState.rename(line.at)),
    )


def _actions(line: rx.Var[VariantLine]) -> rx.Component:
    """What can be done with one; its words are written in the message step."""
    return rx.el.div(
        rx.button("Edit message", variant="ghost", size="1", on_click=[keep.open_variant(line.at), keep.go(MESSAGE)]),
        icon_button("arrow-up", "Move up", disabled=line.first, on_click=[STORE, ExperimentState.move(line.name, -1)]),
        icon_button(
            "arrow-down", "Move down", disabled=line.last, on_click=[STORE, ExperimentState.move(line.name, 1)]
        ),
        icon_button(
            "trash-2",
            "Remove variant",
            disabled=line.first & line.last,
            on_click=[STORE, ExperimentState.remove(line.name)],
        ),
        class_name="row",
    )


def _share(line: rx.Var[VariantLine]) -> rx.Component:
    """A slider and a number that follow each other, and what they come to beside the others."""
    number = f"weight_{line.at}"
    slider = f"{number}_slider"
    key = f"weight-{ExperimentState.revision}"
    weigh = typed(ExperimentState.weigh(line.at))
    return rx.el.div(
        rx.el.label("Weight", html_for=number, class_name="muted small"),
        rx.el.input(
            type="range",
            id=slider,
            key=f"{key}-slider",
            min="1",
            max=str(SLIDER),
            default_value=line.weight,
            aria_label="Weight",
            class_name="slider",
            custom_attrs={"data-twin": number},
            **weigh,
        ),
        rx.el.input(
            id=number,
            key=key,
            class_name="input narrow",
            input_mode="numeric",
            default_value=line.weight,
            auto_complete="off",
            custom_attrs={"data-twin": slider},
            **weigh,
        ),
        rx.el.span(line.share, class_name="strong tnum", title=f"{line.whole} of the whole audience"),
        class_name="variant-share",
    )


def _holdout() -> rx.Component:
    """Who gets nothing, for the sake of comparison."""
    error, value = ComposeState.errors.rules.holdout, SendRulesState.form.holdout
    percent = rx.el.div(
        text_input(
            "holdout",
            default_value=value,
            key=f"holdout-{SendRulesState.revision}",
            **typed(SendRulesState.put("holdout")),
            invalid=error != "",
            auto_complete="off",
            input_mode="decimal",
        ),
        rx.el.span("% of people", class_name="muted nowrap"),
        class_name="row half",
    )
    return panel(field("Hold out", percent, name="holdout", error=error, help_text=HELD), title="Holdout")
