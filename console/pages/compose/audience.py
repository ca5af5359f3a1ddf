"""Who gets it, with the count always in sight."""

import reflex as rx

from console import routes, theme
from console.components.feedback import note
from console.components.forms import field, more, radio, text_input
from console.components.layout import icon, link, panel
from console.components.segment_builder import segment_builder
from console.rows import audience as rows
from console.rows.audience import GroupLine
from console.rows.topics import TopicLine
from console.states.audience import AudienceState
from console.states.compose import ComposeState
from console.states.topics import TopicsState


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
                    "By what is known of them: profile, devices, events, pushes.",
                    AudienceState.choose_mode(rows.RULES),
                ),
                radio(
                    rows.SEGMENTS,
                    AudienceState.mode,
                    "Saved segments and lists",
                    "In any of the chosen ones.",
                    AudienceState.choose_mode(rows.SEGMENTS),
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
                (rows.SEGMENTS, _groups()),
                (rows.TOPICS, _topics()),
                rx.fragment(),
            ),
            rx.cond(AudienceState.problem != "", note(AudienceState.problem, tone=theme.CARE), _refused()),
            rx.cond(AudienceState.mode == rows.TOPICS, rx.fragment(), rx.fragment(_left_out(), _quiet_devices())),
            class_name="panel-body stack",
        ),
        _unreachable(),
        title="Audience",
        flush=True,
    )


def _quiet_devices() -> rx.Component:
    return more(
        "Skip devices not seen lately",
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


def _unreachable() -> rx.Component:
    """Whom it would not reach, and why; the numbers themselves stand at the foot of the page."""
    said = AudienceState.reach.unreachable
    return rx.cond(said != "", rx.el.div(said, class_name="panel-foot muted small"), rx.fragment())


def _groups() -> rx.Component:
    """Saved segments and lists, searched by name; a new segment opens beside the campaign."""
    new = link(
        icon("external-link", theme.ICON_SMALL),
        "New segment",
        to=routes.NEW_SEGMENT,
        target="_blank",
        class_name="link row",
    )
    return rx.el.div(
        rx.el.div(
            _search("groups"),
            new,
            link("All segments", to=routes.SEGMENTS, class_name="link"),
            class_name="pick-find",
        ),
        rx.cond(
            AudienceState.groups.length() > 0,
            rx.el.div(rx.foreach(AudienceState.groups, _included), class_name="stack-s pick-list"),
            rx.el.span("There are no segments and no lists yet.", class_name="muted"),
        ),
        class_name="stack-s",
    )


def _left_out() -> rx.Component:
    return rx.cond(
        AudienceState.groups.length() > 0,
        more(
            "Leave some people out",
            _search("left-out"),
            rx.el.div(rx.foreach(AudienceState.groups, _excluded), class_name="stack-s pick-list"),
        ),
        rx.fragment(),
    )


def _search(name: str) -> rx.Component:
    return rx.el.input(
        id=f"{name}-search",
        type="search",
        class_name="input",
        placeholder="Search segments and lists",
        aria_label="Search segments and lists",
        on_change=AudienceState.look_for.debounce(150),
    )


def _included(group: rx.Var[GroupLine]) -> rx.Component:
    return _group(group, group.included, AudienceState.take_in(group.id))


def _excluded(group: rx.Var[GroupLine]) -> rx.Component:
    return _group(group, group.excluded, AudienceState.leave_out(group.id))


def _group(group: rx.Var[GroupLine], chosen: rx.Var[bool], on_change) -> rx.Component:
    line = rx.el.label(
        rx.checkbox(checked=chosen, on_change=on_change, aria_label=group.name),
        rx.el.span(
            rx.el.span(group.name),
            rx.el.span(group.note, class_name="muted small", title=group.note),
            class_name="stack-xs",
        ),
        class_name="switch-row",
        key=group.id,
    )
    return rx.cond(group.hidden & ~chosen, rx.fragment(), line)


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
        rx.checkbox(checked=topic.chosen, on_change=TopicsState.toggle(topic.name), aria_label=topic.name),
        rx.el.span(
            rx.el.span(topic.name),
            rx.el.span(topic.note, class_name="muted small"),
            class_name="stack-xs",
        ),
        class_name="switch-row",
        key=topic.name,
    )


def _rules() -> rx.Component:
    """The same builder as the segments page has; what stands here is this campaign's own."""
    return segment_builder([AudienceState.edit_rules])
