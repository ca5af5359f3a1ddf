"""Add a channel: what to do in an app, the code for it, and whether it works yet."""

import reflex as rx

from console import routes, theme
from console.components.feedback import empty, skeleton_text
from console.components.forms import segmented
from console.components.layout import copyable, icon, link, page_head, panel
from console.components.poll import every
from console.cookbook import Snippet
from console.rows.channels import LABEL, Mark, StepLine
from console.shell import page
from console.states.channels import ChannelsState
from console.states.session import RANK, SessionState

EVERY = 3000


@page(routes.CHANNELS, "Add a channel", on_load=[ChannelsState.load])
def channels() -> rx.Component:
    """The guide on the left, what has been seen on the right; above it on a narrow window."""
    first = panel(
        empty(
            "package-plus",
            "Start with an app",
            "A channel is added to an app, with its own people, credentials and campaigns.",
            link("Make an app", to=routes.APPS),
        ),
        flush=True,
    )
    return rx.fragment(
        page_head("Add a channel", _platforms(), badge=rx.el.span(SessionState.app.name, class_name="muted truncate")),
        rx.cond(ChannelsState.no_app, first, rx.el.div(_steps(), _seen(), class_name="guide")),
    )


def _platforms() -> rx.Component:
    return segmented(tuple(LABEL.items()), ChannelsState.guide.platform, ChannelsState.choose, "Platform")


def _steps() -> rx.Component:
    waiting = panel(skeleton_text(5))
    steps = rx.el.ol(rx.foreach(ChannelsState.guide.steps, _step), class_name="stack-l steps")
    return rx.el.div(rx.cond(ChannelsState.guide.platform != "", steps, waiting))


def _step(step: rx.Var[StepLine]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(step.number, class_name="step-number", aria_hidden="true"),
            rx.el.div(rx.el.h2(step.title, class_name="step-title"), rx.el.p(step.text, class_name="muted")),
            class_name="step-head",
        ),
        rx.foreach(step.files, _file),
        key=step.title,
    )


def _file(file: rx.Var[Snippet]) -> rx.Component:
    """The button stands beside the heading, not in it: a heading that opens and closes cannot hold another button."""
    code = rx.el.details(
        rx.el.summary(
            icon("chevron-right", theme.ICON_SMALL, class_name="chevron"), rx.el.span(file.name, class_name="mono")
        ),
        rx.el.pre(file.code, class_name="code", tab_index=0),
        class_name="file",
        open=True,
    )
    return rx.el.div(
        code,
        rx.el.span(copyable(file.code, "Copy the file"), class_name="file-copy"),
        class_name="file-box",
        key=file.name,
    )


def _seen() -> rx.Component:
    """What arrives shows by itself: nobody has to say that a step is done."""
    return rx.el.aside(
        panel(
            rx.el.div(
                rx.el.ul(rx.foreach(ChannelsState.marks, _mark), class_name="marks"),
                rx.el.p(
                    "Last registered ",
                    rx.el.span(ChannelsState.registered.short, title=ChannelsState.registered.exact),
                    class_name="muted small",
                ),
                class_name="panel-body stack",
            ),
            title=rx.el.h2(ChannelsState.guide.label, " so far"),
            flush=True,
        ),
        panel(rx.el.div(_key(), class_name="panel-body stack"), title="Client key", flush=True),
        every(EVERY, ChannelsState.refresh),
        class_name="guide-side stack",
    )


def _mark(mark: rx.Var[Mark]) -> rx.Component:
    return rx.el.li(
        rx.cond(
            mark.done,
            icon("circle-check", theme.ICON, class_name="mark-done"),
            icon("circle-dashed", theme.ICON, class_name="muted"),
        ),
        rx.el.div(
            rx.el.div(mark.word), rx.cond(mark.done, rx.fragment(), rx.el.div(mark.hint, class_name="muted small"))
        ),
        rx.el.span(rx.cond(mark.done, "done", "not yet"), class_name="visually-hidden"),
        key=mark.word,
    )


def _key() -> rx.Component:
    """The key may be public: it registers devices and speaks for them, no more."""
    made = rx.el.div(
        rx.el.span(ChannelsState.key),
        rx.el.span(copyable(ChannelsState.key), class_name="push-right"),
        class_name="secret",
    )
    ask = rx.cond(
        SessionState.me.rank >= RANK["admin"],
        rx.button(
            icon("key-square", theme.ICON_SMALL), "Make a client key", variant="soft", on_click=ChannelsState.make_key
        ),
        rx.el.p("An admin can make one here or under Apps & credentials.", class_name="muted small"),
    )
    return rx.cond(
        ChannelsState.key != "",
        rx.fragment(made, rx.el.p("It is in the code on this page. It is not shown again.", class_name="muted small")),
        rx.fragment(
            rx.el.p("It sits in your app and may be seen: it only registers devices and speaks for them."), ask
        ),
    )
