"""Who rules find, beside the builder: people, devices that a push would reach, those it would not, and some by name."""

import reflex as rx

from console import theme
from console.components.badges import platform
from console.components.layout import icon, link, panel
from console.rows.segments import Link, Share
from console.states.segment_rules import RulesState


def reach() -> rx.Component:
    """The numbers; while a count is on its way, or the rules are not finished, the last ones stand dimmed."""
    numbers = RulesState.numbers
    shown = panel(
        rx.el.div(
            rx.el.div(
                rx.el.span(numbers.people, class_name="reach-number", id="people"),
                rx.el.span(rx.cond(numbers.people == "1", "person", "people"), class_name="muted"),
                class_name="reach",
            ),
            rx.el.div(numbers.of, class_name="muted small tnum"),
            rx.el.div(
                rx.el.div(class_name="bar-fill", style={"width": numbers.percent.to_string() + "%"}),
                class_name="bar",
                aria_hidden="true",
            ),
            class_name="stack-xs",
        ),
        rx.el.div(
            rx.el.div(
                rx.el.span(numbers.reachable, class_name="strong tnum", id="reachable"),
                rx.cond(numbers.reachable == "1", " device can be reached", " devices can be reached"),
            ),
            rx.el.div(rx.foreach(numbers.platforms, _platform), class_name="bits"),
            class_name="stack-xs",
        ),
        _reasons("Devices that get nothing", numbers.unreachable),
        _reasons("People who get nothing", numbers.stranded),
        rx.el.p(_said(), class_name="segment-said", id="sentence"),
        aria_live="polite",
        aria_busy=RulesState.counting,
        data_stale=_stale(),
        id="numbers",
    )
    return rx.el.div(shown, class_name="segment-numbers")


def _stale() -> rx.Var[bool]:
    return RulesState.counting | (RulesState.problem != "")


def _said() -> rx.Component:
    sentence = rx.fragment(RulesState.sentence, rx.cond(RulesState.sentence != "", ".", ""))
    unfinished = rx.el.span(icon("info", theme.ICON_SMALL), RulesState.problem, class_name="row")
    return rx.cond(RulesState.problem != "", unfinished, sentence)


def _platform(share: rx.Var[Share]) -> rx.Component:
    return rx.el.span(platform(share.name, share.label), rx.el.span(share.count, class_name="tnum"), class_name="bit")


def _reasons(title: str, shares: rx.Var[tuple[Share, ...]]) -> rx.Component:
    shown = rx.el.div(
        rx.el.div(title, class_name="muted small"),
        rx.el.ul(rx.foreach(shares, _reason), class_name="stack-0"),
        class_name="stack-xs",
    )
    return rx.cond(shares.length() > 0, shown, rx.fragment())


def _reason(share: rx.Var[Share]) -> rx.Component:
    return rx.el.li(
        rx.el.span(share.label),
        rx.el.span(share.count, class_name="tnum push-right"),
        class_name="row small",
        key=share.name,
    )


def found() -> rx.Component:
    """Some of the people, by their own ids."""
    sample = RulesState.numbers.sample
    people = rx.el.div(
        rx.foreach(sample, _person), rx.el.span(RulesState.numbers.more, class_name="muted small"), class_name="bits"
    )
    nobody = rx.el.span("Nobody with an id of yours fits these rules now.", class_name="muted")
    return panel(
        rx.cond(sample.length() > 0, people, nobody),
        title="Some of them",
        data_stale=_stale(),
    )


def _person(person: rx.Var[Link]) -> rx.Component:
    named = rx.el.span(person.label, class_name="mono")
    return rx.cond(person.href != "", link(person.label, to=person.href, class_name="link mono"), named)
