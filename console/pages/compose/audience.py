"""Who gets it, with the count always in sight."""

import reflex as rx

from console import theme
from console.components.feedback import note
from console.components.forms import choose, field, more, radio, text_input
from console.components.layout import icon, icon_button, panel
from console.rows import audience as rows
from console.rows.audience import RuleLine, SegmentLine
from console.rows.topics import TopicLine
from console.states.audience import AudienceState
from console.states.compose import ComposeState
from console.states.topics import TopicsState

PLATFORMS = (("ios", "iOS"), ("android", "Android"), ("web", "Web"))


def audience() -> rx.Component:
    """Everyone, saved segments, rules, or topics where the app has Firebase."""
    return panel(
        rx.el.div(
            rx.el.div(
                radio(
                    rows.EVERYONE,
                    AudienceState.mode,
                    "Everyone",
                    "All people of this app who can be reached.",
                    AudienceState.choose_mode(rows.EVERYONE),
                ),
                radio(
                    rows.RULES,
                    AudienceState.mode,
                    "People who match",
                    "By platform, activity or attribute.",
                    AudienceState.choose_mode(rows.RULES),
                ),
                rx.cond(
                    AudienceState.segments.length() > 0,
                    radio(
                        rows.SEGMENTS,
                        AudienceState.mode,
                        "Saved segments",
                        "In any of the chosen ones.",
                        AudienceState.choose_mode(rows.SEGMENTS),
                    ),
                    rx.fragment(),
                ),
                rx.cond(
                    TopicsState.offered,
                    radio(
                        rows.TOPICS,
                        AudienceState.mode,
                        "Topic",
                        "Whoever follows it in Firebase: one message, no result for each device.",
                        AudienceState.choose_mode(rows.TOPICS),
                    ),
                    rx.fragment(),
                ),
                class_name="stack-s",
                role="radiogroup",
                aria_label="Audience",
            ),
            rx.match(
                AudienceState.mode,
                (rows.RULES, _rules()),
                (rows.SEGMENTS, _segments()),
                (rows.TOPICS, _topics()),
                rx.fragment(),
            ),
            rx.cond(AudienceState.problem != "", note(AudienceState.problem, tone=theme.CARE), _refused()),
            rx.cond(AudienceState.mode == rows.TOPICS, rx.fragment(), _quiet_devices()),
            class_name="panel-body stack",
        ),
        _reach(),
        title="Audience",
        flush=True,
    )


def _quiet_devices() -> rx.Component:
    return more(
        "Skip quiet devices",
        field(
            "Days unseen",
            text_input(
                "unseen",
                default_value=AudienceState.unseen,
                key=f"unseen-{AudienceState.revision}",
                input_mode="numeric",
                on_change=AudienceState.skip_unseen.debounce(500),
            ),
            name="unseen",
            help_text="Devices not seen for longer are skipped. Empty sends to all.",
        ),
    )


def _refused() -> rx.Component:
    error = ComposeState.errors.audience
    return rx.cond(error != "", note(error, tone=theme.CARE), rx.fragment())


def _reach() -> rx.Component:
    reach = AudienceState.reach
    return rx.el.div(
        rx.el.div(
            rx.el.span(reach.shown, class_name="reach-number", id="reach"),
            rx.el.span(reach.unit, class_name="muted"),
            rx.el.span(reach.people, class_name="muted"),
            class_name="reach",
        ),
        rx.el.div(reach.platforms, class_name="muted small tnum"),
        rx.cond(reach.unreachable != "", rx.el.div(reach.unreachable, class_name="muted small"), rx.fragment()),
        class_name="panel-foot reach-foot",
        aria_live="polite",
    )


def _segments() -> rx.Component:
    return rx.el.div(rx.foreach(AudienceState.segments, _segment), class_name="stack-s")


def _segment(segment: rx.Var[SegmentLine]) -> rx.Component:
    return rx.el.label(
        rx.checkbox(checked=segment.chosen, on_change=AudienceState.toggle_segment(segment.id)),
        rx.el.span(
            rx.el.span(segment.name), rx.el.span(segment.description, class_name="muted small"), class_name="stack-xs"
        ),
        class_name="switch-row",
        key=segment.id,
    )


def _topics() -> rx.Component:
    """The known topics to choose from, and a field for one that only the app knows."""
    return rx.el.div(
        rx.foreach(TopicsState.shown, _topic),
        rx.el.form(
            field(
                "Another topic",
                rx.el.div(
                    text_input(
                        "topic",
                        key=f"topic-{TopicsState.added}",
                        placeholder="weekly_news",
                        auto_complete="off",
                        max_length=900,
                        invalid=TopicsState.problem != "",
                    ),
                    rx.button("Add", variant="soft", type="submit"),
                    class_name="row",
                ),
                name="topic",
                help_text="As your app names it, without /topics/.",
                error=TopicsState.problem,
            ),
            on_submit=TopicsState.add,
        ),
        class_name="stack",
    )


def _topic(topic: rx.Var[TopicLine]) -> rx.Component:
    return rx.el.label(
        rx.checkbox(checked=topic.chosen, on_change=TopicsState.toggle(topic.name)),
        rx.el.span(
            rx.el.span(topic.name),
            rx.el.span(topic.note, class_name="muted small"),
            class_name="stack-xs",
        ),
        class_name="switch-row",
        key=topic.name,
    )


def _rules() -> rx.Component:
    return rx.el.div(
        rx.foreach(AudienceState.rules, _rule),
        rx.el.div(
            rx.button(
                icon("plus", theme.ICON_SMALL),
                "Add rule",
                variant="ghost",
                size="1",
                type="button",
                on_click=AudienceState.add_rule,
            ),
            rx.el.span("All rules must be true.", class_name="muted small push-right"),
            class_name="row",
        ),
        class_name="stack-s",
    )


def _rule(rule: rx.Var[RuleLine], index: rx.Var[int]) -> rx.Component:
    change = AudienceState.change_rule
    attribute = rule.field == rows.ATTRIBUTE
    field_select = rx.el.select(
        *[rx.el.option(option.label, value=option.value) for option in rows.FIELDS],
        class_name="input",
        aria_label="What",
        value=rule.field,
        on_change=lambda value: change(index, "field", value),
    )
    name = rx.el.input(
        class_name="input",
        aria_label="Attribute name",
        placeholder="plan",
        default_value=rule.name,
        on_change=lambda value: change(index, "name", value).debounce(500),
        on_blur=lambda value: change(index, "name", value),
    )
    return rx.el.div(
        rx.cond(attribute, rx.el.div(field_select, name, class_name="stack-xs"), field_select),
        rx.el.select(
            rx.foreach(rule.operators, lambda option: rx.el.option(option.label, value=option.value)),
            class_name="input",
            aria_label="How",
            value=rule.operator,
            on_change=lambda value: change(index, "operator", value),
        ),
        rx.cond(
            rule.field == "device.platform",
            choose(
                "rule-platform",
                PLATFORMS,
                aria_label="Value",
                value=rule.value,
                on_change=lambda value: change(index, "value", value),
            ),
            rx.el.input(
                class_name="input",
                aria_label="Value",
                placeholder=rule.example,
                default_value=rule.value,
                on_change=lambda value: change(index, "value", value).debounce(500),
                on_blur=lambda value: change(index, "value", value),
            ),
        ),
        icon_button("x", "Remove rule", on_click=AudienceState.remove_rule(index)),
        class_name="rule-row",
        key=f"{AudienceState.revision}-{index}-{rule.field}",
    )
