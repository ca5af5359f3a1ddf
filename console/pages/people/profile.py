"""Who a person is: profile, attributes, devices, where they belong."""

import reflex as rx

from console import theme
from console.components.badges import badge
from console.components.confirm import confirm
from console.components.feedback import empty
from console.components.layout import copyable, facts, icon, icon_button, link, panel
from console.rows.people_person import AttributeLine, DeviceLine, Thing
from console.states.people_actions import PersonActionsState
from console.states.people_person import PersonState
from console.states.session import RANK, SessionState


def may(rank: str, shown: rx.Component) -> rx.Component:
    """Only for members of that role or more; the handlers ask again."""
    return rx.cond(SessionState.me.rank >= RANK[rank], shown, rx.fragment())


def profile() -> rx.Component:
    return rx.el.div(
        rx.el.div(_devices(), _attributes(), class_name="stack-l"),
        rx.el.div(_facts(), _places(), class_name="stack-l"),
        class_name="person-two",
    )


def _facts() -> rx.Component:
    shown = PersonState.shown
    return panel(
        facts(
            ("Last active", rx.el.span(shown.active.short, title=shown.active.exact)),
            ("First seen", rx.el.span(shown.first.short, title=shown.first.exact)),
            ("Sessions", shown.sessions),
            ("Language", shown.language),
            ("Country", shown.country),
            ("Time zone", shown.zone),
            ("Location", shown.location),
            (
                "Tocsin id",
                rx.el.span(rx.el.span(shown.id, class_name="mono"), copyable(shown.id, "Copy id"), class_name="row"),
            ),
        ),
        title="Profile",
    )


def _places() -> rx.Component:
    return panel(
        rx.el.div(
            _things("Segments", PersonState.segments, "In no segment now.", PersonState.segments_note),
            _things("Lists", PersonState.shown.lists, "In no list.", ""),
            class_name="stack",
        ),
        title="Segments and lists",
    )


def _things(label: str, things: rx.Var[tuple[Thing, ...]], nothing: str, remark) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.span(label, class_name="small muted"),
            rx.el.span(remark, class_name="small muted push-right"),
            class_name="row",
        ),
        rx.cond(
            things.length() > 0,
            rx.el.div(
                rx.foreach(things, lambda one: link(one.name, to=one.href, class_name="chip")), class_name="row-wrap"
            ),
            rx.el.span(nothing),
        ),
        class_name="stack-xs",
    )


def _attributes() -> rx.Component:
    add = rx.button(
        icon("plus", theme.ICON_SMALL),
        "Add attribute",
        size="1",
        variant="soft",
        color_scheme=theme.QUIET,
        on_click=PersonActionsState.open_attribute("", "text", ""),
    )
    return panel(
        rx.cond(
            PersonState.shown.attributes.length() > 0,
            rx.el.div(rx.foreach(PersonState.shown.attributes, _attribute), class_name="attributes"),
            empty(
                "tag",
                "No attributes",
                "Your app or back end can tell us a plan, a name, interests: whatever rules and texts need.",
            ),
        ),
        title="Attributes",
        aside=may("editor", add),
        flush=True,
    )


def _attribute(one: rx.Var[AttributeLine]) -> rx.Component:
    buttons = rx.el.span(
        icon_button("pencil", "Edit", on_click=PersonActionsState.open_attribute(one.name, one.kind, one.value)),
        confirm(
            icon_button("x", "Remove"),
            f"Remove {one.name}?",
            "The value is lost. Your app may write it again.",
            "Remove",
            PersonActionsState.forget_attribute(one.name),
        ),
        class_name="row-actions",
    )
    return rx.el.div(
        rx.el.div(
            rx.el.div(one.name, class_name="truncate", title=one.name),
            rx.el.div(one.kind_word, class_name="muted small"),
            class_name="attribute-name",
        ),
        rx.el.div(rx.cond(one.value != "", one.value, "–"), class_name="attribute-value"),
        may("editor", buttons),
        class_name="attribute",
        key=one.name,
    )


def _devices() -> rx.Component:
    shown = PersonState.shown
    return panel(
        rx.cond(
            shown.devices.length() > 0,
            rx.el.div(rx.foreach(shown.devices, _device), class_name="devices"),
            empty(
                "smartphone",
                "No devices",
                "Nothing can be sent to this person until the app registers a device for them.",
            ),
        ),
        title="Devices",
        aside=rx.el.span(shown.reachable, class_name="muted small"),
        flush=True,
    )


def _device(one: rx.Var[DeviceLine]) -> rx.Component:
    signs = [(key, icon(sign)) for key, sign in theme.PLATFORM_ICON.items()]
    return rx.el.article(
        rx.el.div(
            rx.match(one.platform, *signs, icon("smartphone")),
            rx.el.span(one.title, class_name="strong truncate", title=one.title),
            badge(one.state, theme.DEVICE),
            rx.cond(
                one.stale != "",
                rx.badge(icon("clock-alert", theme.ICON_SMALL - 2), one.stale, color_scheme=theme.CARE, variant="soft"),
                rx.fragment(),
            ),
            rx.cond(
                one.no_lane,
                rx.badge(
                    icon("unplug", theme.ICON_SMALL - 2), "No credential", color_scheme=theme.CARE, variant="soft"
                ),
                rx.fragment(),
            ),
            rx.el.span(may("editor", _device_menu(one)), class_name="push-right"),
            class_name="row-wrap device-head",
        ),
        rx.cond(one.reason != "", rx.el.div(one.reason, class_name="muted small"), rx.fragment()),
        facts(
            ("In this state since", rx.el.span(one.since.short, title=one.since.exact)),
            ("Last seen", rx.el.span(one.seen.short, title=one.seen.exact)),
            ("Permission", one.permission),
            ("Software", one.software),
            ("Place", one.place),
            ("Channel", rx.el.span(one.provider, " · ", one.environment)),
            (
                "Address",
                rx.el.span(one.address, class_name="mono", title="A fingerprint: the address itself is never shown"),
            ),
            (
                "Device",
                rx.el.span(rx.el.span(one.id, class_name="mono"), copyable(one.id, "Copy id"), class_name="row"),
            ),
            ("Topics", rx.cond(one.topics != "", one.topics, "–")),
        ),
        class_name="device",
        key=one.id,
    )


def _device_menu(one: rx.Var[DeviceLine]) -> rx.Component:
    sign_out = confirm(
        rx.button("Sign out", size="1", variant="soft", color_scheme=theme.QUIET),
        "Sign this device out?",
        rx.fragment(
            "It keeps its address and goes over to a new anonymous person. ",
            PersonState.shown.whom,
            " gets nothing on it any more.",
        ),
        "Sign out",
        PersonState.sign_out(one.id),
        keep="Keep signed in",
        tone=theme.ACT,
    )
    remove = confirm(
        rx.button("Remove", size="1", variant="soft", color_scheme=theme.QUIET),
        "Remove this device?",
        rx.fragment(
            "Nothing is sent to it any more, until its app registers it again. What was sent stays counted. ",
            rx.cond(PersonState.shown.named, "", "An anonymous person goes with their last device."),
        ),
        "Remove device",
        PersonState.remove(one.id),
    )
    return rx.el.span(rx.cond(PersonState.shown.named, sign_out, rx.fragment()), remove, class_name="row")
