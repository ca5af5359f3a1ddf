"""A test of the campaign, beside its preview: chosen devices, and what their providers answer."""

import reflex as rx

from console import theme
from console.components import draft
from console.components.badges import delivery_badge
from console.components.feedback import note, skeleton_text
from console.components.forms import field, text_input
from console.components.layout import copyable, icon, icon_button, link, panel
from console.components.poll import every
from console.rows.trial import DeviceChoice, ResultLine, TesterLine, TrialLine
from console.states.content import ContentState
from console.states.trial import TrialState

POLL = 1000


def trial_panel() -> rx.Component:
    """Goes through the real senders: what is shown here is the provider's own answer."""
    body = rx.el.div(
        _people(),
        _add(),
        _ready(),
        _said(),
        rx.cond(TrialState.shown.run_id != "", _results(), rx.fragment()),
        class_name="panel-body stack",
    )
    return panel(
        rx.cond(TrialState.ready, body, rx.el.div(skeleton_text(3), class_name="panel-body")),
        rx.cond(
            TrialState.watching,
            every(POLL, TrialState.refresh),
            rx.fragment(),
        ),
        title="Test send",
        flush=True,
        id="trial",
    )


def _people() -> rx.Component:
    none = rx.el.div(
        "Nobody gets tests yet. Add the user whom your app signs you in as, and your own devices are one click away.",
        class_name="muted small",
    )
    return rx.cond(
        TrialState.testers.length() > 0,
        rx.el.ul(rx.foreach(TrialState.testers, _tester), class_name="trial-people", aria_label="Who gets this test"),
        none,
    )


def _tester(one: rx.Var[TesterLine]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            link(one.name, to=one.href, class_name="link truncate"),
            rx.el.span(one.note, class_name="muted small truncate"),
            icon_button(
                "x", f"Remove {one.name}", class_name="icon-button push-right", on_click=TrialState.remove(one.id)
            ),
            class_name="row",
        ),
        rx.cond(
            one.devices.length() > 0,
            rx.el.ul(rx.foreach(one.devices, _device), class_name="trial-devices"),
            rx.el.div("No device has registered for this user yet.", class_name="muted small"),
        ),
        class_name="trial-person",
    )


def _device(one: rx.Var[DeviceChoice]) -> rx.Component:
    return rx.el.li(
        rx.el.label(
            rx.el.input(
                type="checkbox",
                checked=one.chosen,
                disabled=one.problem != "",
                on_change=lambda _checked: TrialState.toggle(one.id),
            ),
            _platform(one.platform),
            rx.el.span(one.label, class_name="truncate"),
            class_name="trial-device",
        ),
        rx.cond(one.problem != "", rx.el.div(one.problem, class_name="field-help trial-problem"), rx.fragment()),
    )


def _platform(name: rx.Var[str]) -> rx.Component:
    signs = [(key, icon(sign, theme.ICON_SMALL)) for key, sign in theme.PLATFORM_ICON.items()]
    return rx.el.span(rx.match(name, *signs, rx.fragment()), class_name="muted trial-sign")


def _add() -> rx.Component:
    user = text_input(
        "tester_user",
        list="tester_people",
        placeholder="The id your app gives them",
        required=True,
        auto_complete="off",
        on_change=TrialState.suggest.debounce(300),
    )
    people = rx.el.datalist(rx.foreach(TrialState.suggestions, lambda one: rx.el.option(value=one)), id="tester_people")
    own = rx.el.label(
        rx.el.input(type="checkbox", name="tester_own", id="tester_own"),
        rx.el.span("These are my own devices"),
        class_name="trial-device",
    )
    form = rx.form(
        field("User", rx.fragment(user, people), name="tester_user"),
        field("Name", text_input("tester_name", placeholder="Optional", max_length=200), name="tester_name"),
        rx.el.div(
            own, rx.button("Add", type="submit", variant="soft", color_scheme=theme.QUIET), class_name="row-between"
        ),
        on_submit=TrialState.add,
        class_name="stack",
        key=f"tester-{TrialState.revision}",
    )
    summary = rx.el.summary(icon("plus", theme.ICON_SMALL), "Add a test user")
    return rx.el.details(summary, rx.el.div(form, class_name="trial-add-body"), class_name="trial-add")


def _ready() -> rx.Component:
    names = draft.draft_var.value["names"].to(list[str])
    variants = rx.el.select(
        rx.el.option("Each their own variant", value=""),
        rx.foreach(names, lambda name: rx.el.option("Variant ", name, value=name)),
        value=TrialState.variant,
        aria_label="Variant for the test",
        id="trial_variant",
        class_name="input",
        on_change=TrialState.choose_variant,
    )
    return rx.el.div(
        rx.cond(names.length() > 1, rx.el.div(variants, class_name="wide"), rx.fragment()),
        rx.button(
            icon("send", theme.ICON_SMALL),
            "Send test",
            variant="soft",
            id="send-test",
            on_click=[ContentState.store(draft.now()), TrialState.send],
        ),
        class_name="row",
    )


def _said() -> rx.Component:
    return rx.fragment(
        rx.cond(TrialState.problem != "", note(TrialState.problem, tone=theme.CARE), rx.fragment()),
        rx.cond(
            TrialState.unreached != "", note("Not sent to all: ", TrialState.unreached, tone=theme.CARE), rx.fragment()
        ),
    )


def _results() -> rx.Component:
    shown = TrialState.shown
    head = rx.el.div(
        rx.el.span(shown.summary, class_name="strong"),
        rx.el.span(shown.at.short, title=shown.at.exact, class_name="muted small"),
        icon_button(
            "refresh-cw", "Read the answers again", class_name="icon-button push-right", on_click=TrialState.refresh
        ),
        class_name="row",
    )
    return rx.el.section(
        rx.el.div(head, aria_live="polite"),
        rx.el.ul(rx.foreach(shown.results, _result), class_name="trial-results", id="trial-results"),
        rx.cond(TrialState.earlier.length() > 1, _earlier(), rx.fragment()),
        class_name="stack-s trial-answers",
        aria_label="What came of the test",
    )


def _result(one: rx.Var[ResultLine]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            _platform(one.platform),
            rx.el.span(one.device, class_name="strong truncate"),
            rx.el.span(one.person, class_name="muted small truncate"),
            rx.el.span(delivery_badge(one.state), class_name="push-right"),
            class_name="row",
        ),
        rx.el.div(one.reply, class_name="small"),
        rx.cond(
            one.heard != "",
            rx.el.div(icon("check", theme.ICON_SMALL), one.heard, class_name="row small"),
            rx.fragment(),
        ),
        _answer(one),
        rx.el.div(
            rx.cond(one.took != "", rx.el.span(one.took, class_name="tnum"), rx.fragment()),
            rx.cond(one.again != "", rx.el.span(one.again, class_name="tnum"), rx.fragment()),
            rx.cond(one.variant != "", rx.el.span("Variant ", one.variant), rx.fragment()),
            link("Details", to=one.href),
            class_name="trial-facts muted small",
        ),
        class_name="trial-result",
        data_state=one.state,
    )


def _answer(one: rx.Var[ResultLine]) -> rx.Component:
    taken = rx.el.div(
        rx.el.span(one.reference, class_name="mono truncate", title=one.reference),
        copyable(one.reference, "Copy the provider's id"),
        class_name="row muted",
    )
    refused = rx.el.details(
        rx.el.summary(rx.el.span(one.answer, class_name="mono")),
        rx.el.pre(rx.cond(one.raw != "", one.raw, "The answer has no body."), class_name="mono trial-raw"),
        class_name="trial-raw-of",
    )
    return rx.fragment(
        rx.cond(one.reference != "", taken, rx.fragment()), rx.cond(one.answer != "", refused, rx.fragment())
    )


def _earlier() -> rx.Component:
    summary = rx.el.summary(icon("history", theme.ICON_SMALL), "Earlier tests", class_name="muted small")
    return rx.el.details(
        summary, rx.el.ul(rx.foreach(TrialState.earlier, _line), class_name="trial-earlier"), class_name="trial-add"
    )


def _line(one: rx.Var[TrialLine]) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            rx.el.span(one.at.short, title=one.at.exact, class_name="tnum nowrap"),
            rx.el.span(one.summary, class_name="nowrap"),
            rx.el.span(one.whom, class_name="muted truncate"),
            type="button",
            class_name="trial-line small",
            aria_pressed=one.run_id == TrialState.shown.run_id,
            on_click=TrialState.show(one.run_id),
        )
    )
