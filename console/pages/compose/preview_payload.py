"""One platform's message taken apart: bytes and headers, links, and what a screen reader says."""

import reflex as rx

from console import theme
from console.components.feedback import note, skeleton_text
from console.components.layout import copyable, facts, icon
from console.pages.compose.launch import STALE
from console.pages.compose.preview_person import platforms
from console.rows.payload import CostLine, Fact, LinkLine
from console.states.launch import DONE, LaunchState
from console.states.preview import PreviewState
from console.states.telling import TellingState

_told = PreviewState.payload


def payload() -> rx.Component:
    """Length against the limit, what each field costs, and the bytes themselves."""
    return _of_platform(
        rx.cond(
            _told.size != "",
            rx.fragment(_length(), _trim(), _costs(), _body(), _headers()),
            _nothing("There are no bytes yet: what stands in the way is said above."),
        )
    )


def links() -> rx.Component:
    """Where each touch leads."""
    return _of_platform(
        rx.cond(
            _told.links.length() > 0,
            rx.el.div(rx.foreach(_told.links, _link), class_name="stack"),
            _nothing("It has no link: a touch opens the app, or the site's start page."),
        )
    )


def spoken() -> rx.Component:
    """What people hear who do not see it."""
    said = _told.spoken
    return _of_platform(
        rx.el.div(
            rx.el.div(icon("volume-2", theme.ICON_SMALL), said.reader, " says", class_name="row muted small"),
            rx.el.p(said.text, class_name="inspect-spoken", dir="auto"),
            rx.cond(
                said.buttons != "", rx.el.div("Actions available: ", said.buttons, class_name="small"), rx.fragment()
            ),
            rx.foreach(said.remarks, _remark),
            class_name="stack",
        )
    )


def _example() -> rx.Component:
    """Whoever has no device of that platform is shown what they would get there."""
    told = rx.el.p(
        PreviewState.label, " has no such device: an example of an address stands in.", class_name="muted small"
    )
    return rx.cond((PreviewState.person != "") & ~_told.exact & (_told.size != ""), told, rx.fragment())


def _followers() -> rx.Component:
    """A topic's body is nobody's own."""
    return rx.el.p(
        "Whoever follows the topic gets this one body, on every platform: nothing of a person is known to it.",
        class_name="muted small",
    )


def _remark(said: rx.Var[str]) -> rx.Component:
    return note(said)


def _of_platform(*children: rx.Component) -> rx.Component:
    head = rx.el.div(platforms(), rx.el.span(_told.title, class_name="muted small push-right"), class_name="row")
    whom = rx.cond(_told.topic != "", _followers(), _example())
    return rx.cond(PreviewState.ready, rx.el.div(head, whom, *children, class_name="stack"), skeleton_text(4))


def _nothing(text: str) -> rx.Component:
    return rx.el.p(text, class_name="muted small")


def _length() -> rx.Component:
    """The bar goes to the limit; the mark on it is the worst of the audience: of all of it where the draft has passed
    through a pre-flight as it stands, else of those that were looked at."""
    checked = TellingState.ready & (LaunchState.stage == DONE) & ~STALE
    known = rx.cond(checked, LaunchState.check.largest, TellingState.largest)
    most = known[PreviewState.platform].to(int)
    whom = rx.cond(checked, "the whole audience (pre-flight)", TellingState.looked)
    share = rx.cond(most > _told.limit, 100, most * 100 / _told.limit)
    return rx.el.div(
        rx.el.div(
            rx.el.span(_told.size, class_name="strong tnum", id="payload-size"),
            rx.cond(
                most > 0,
                rx.el.span(
                    most, " in the worst case of ", whom, class_name="muted tnum push-right", id="payload-worst"
                ),
                rx.fragment(),
            ),
            class_name="row small",
        ),
        rx.el.div(
            rx.el.div(class_name="inspect-fill", style={"width": f"{_told.full}%"}),
            rx.cond(most > 0, rx.el.div(class_name="inspect-worst", style={"left": f"{share}%"}), rx.fragment()),
            class_name="inspect-bar",
            data_tone=_told.tone,
            role="progressbar",
            aria_label="Bytes of the limit",
            custom_attrs={"aria-valuenow": _told.full, "aria-valuemin": 0, "aria-valuemax": 100},
        ),
        class_name="stack-xs",
    )


def _trim() -> rx.Component:
    return rx.cond(
        _told.trim != "",
        rx.cond(_told.tone == theme.BAD, note(_told.trim, tone=theme.BAD), note(_told.trim, tone=theme.CARE)),
        rx.fragment(),
    )


def _costs() -> rx.Component:
    return rx.el.div(
        rx.foreach(_told.costs, _cost), class_name="inspect-costs", role="list", aria_label="Bytes by field"
    )


def _cost(one: rx.Var[CostLine]) -> rx.Component:
    return rx.el.div(
        rx.el.span(one.field, class_name="truncate", title=one.field),
        rx.el.span(rx.el.span(style={"width": f"{one.share}%"}), class_name="inspect-share", aria_hidden="true"),
        rx.el.span(one.bytes, class_name="tnum share-num"),
        class_name="inspect-cost",
        role="listitem",
    )


def _body() -> rx.Component:
    raw = rx.el.details(
        rx.el.summary(
            icon("chevron-right", theme.ICON_SMALL, class_name="chevron"),
            "Raw bytes",
            rx.el.span(_told.raw_size, class_name="muted small plain"),
        ),
        rx.el.div(rx.el.pre(_told.raw, class_name="code", tab_index=0), class_name="more-body"),
        class_name="more",
    )
    return rx.cond(
        _told.raw != "",
        rx.el.div(
            rx.el.div(
                rx.el.span("Body", class_name="field-label"), rx.el.div(copyable(_told.raw), class_name="push-right"), class_name="row"
            ),
            rx.el.pre(_told.pretty, class_name="code", id="payload-body", tab_index=0),
            rx.el.div(
                "A real send has its own ", _told.own, ", of the same length.",
                rx.cond(_told.topic != "", "", " The device's address is masked."),
                class_name="field-help",
            ),
            raw,
            class_name="stack-xs",
        ),
        rx.fragment(),
    )  # fmt: skip


def _headers() -> rx.Component:
    return rx.cond(
        _told.headers.length() > 0,
        rx.el.div(
            rx.el.span("Headers", class_name="field-label"),
            rx.el.dl(rx.foreach(_told.headers, _fact), class_name="inspect-headers"),
            rx.el.span("Language", class_name="field-label after"),
            rx.el.div(_told.chain, class_name="small tnum"),
            class_name="stack-xs",
        ),
        rx.fragment(),
    )


def _fact(one: rx.Var[Fact]) -> rx.Component:
    return rx.el.div(rx.el.dt(one.name), rx.el.dd(one.value), class_name="inspect-header")


def _link(one: rx.Var[LinkLine]) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.span(one.at, class_name="strong truncate"), rx.badge(one.kind, variant="soft"), class_name="row"
        ),
        rx.el.div(one.url, class_name="mono small wrap-anywhere"),
        facts(("Scheme", one.scheme), ("Host", one.host), ("Path", one.path)),
        rx.el.p(one.told, class_name="muted small"),
        class_name="inspect-link stack-xs",
    )
