"""The notification beside its form: drawn as it is typed, for whom one likes, and taken apart."""

import reflex as rx
from reflex.experimental import ClientStateVar

from console import theme
from console.components import draft
from console.components.feedback import note
from console.components.layout import icon, panel
from console.components.picture_facts import pictures_watch
from console.components.push_preview import push_preview
from console.components.watch import watch
from console.pages.compose.preview_payload import links, payload, spoken
from console.pages.compose.preview_person import chooser, strip
from console.pages.compose.trial import trial_panel
from console.states.audience import AudienceState
from console.states.preview import PreviewState
from console.states.session import SessionState
from console.states.telling import TellingState

TABS = (("device", "Device"), ("payload", "Payload"), ("links", "Links"), ("spoken", "Spoken text"))
SETTLED = 1_500
"""Milliseconds after the last change: who is telling is looked for in a stretch of the audience each time."""
tab_var = ClientStateVar.create("preview_tab", default="device")


def preview_side() -> rx.Component:
    """Stays in sight while the form is scrolled."""
    return rx.el.aside(
        watch(_opened(), PreviewState.follow(draft.now())),
        watch(_said(), TellingState.look(draft.now()).debounce(SETTLED)),
        pictures_watch(),
        _panel(strip()),
        trial_panel(),
        class_name="compose-side",
        aria_label="Preview",
    )


def preview_of_template() -> rx.Component:
    """The same of a text that has no audience yet."""
    return rx.el.aside(
        watch(_opened(), PreviewState.follow(draft.now())),
        pictures_watch(),
        _panel(),
        class_name="compose-side",
        aria_label="Preview",
    )


def _panel(*whom: rx.Component) -> rx.Component:
    return panel(
        rx.el.div(
            chooser(),
            *whom,
            _problem(),
            _tabs(),
            _tab("device", _device()),
            _tab("payload", payload()),
            _tab("links", links()),
            _tab("spoken", spoken()),
            class_name="panel-body stack",
        ),
        title="Preview",
        aside=_exactness(),
        flush=True,
    )


def _opened() -> rx.Var[str]:
    """What the server is to be asked about anew: it hears of typing by itself."""
    held = draft.draft_var.value
    parts = f"[{held!s}?.of, {held!s}?.revision, {held!s}?.variant, {held!s}?.language].join(' ')"
    return rx.Var(parts, _var_type=str, _var_data=held._get_all_var_data())


def _said() -> rx.Var[str]:
    """What the telling recipients depend on: the words that are open, and the audience."""
    held, reach = draft.draft_var.value, AudienceState.reach.shown
    data = rx.vars.VarData.merge(held._get_all_var_data(), reach._get_all_var_data())
    return rx.Var(
        f"[{held!s}?.of, {held!s}?.edit, {held!s}?.variant, {reach!s}].join(' ')", _var_type=str, _var_data=data
    )


def _exactness() -> rx.Component:
    """Whether the server has said it so, or the browser fills in as far as it can."""
    held, given = draft.draft_var.value, draft.held_var.value
    same = " && ".join(
        f"({given!s}?.{name} ?? '') === ({held!s}?.{name} ?? '')" for name in ("edit", "variant", "language")
    )
    data = rx.vars.VarData.merge(held._get_all_var_data(), given._get_all_var_data())
    exact = rx.Var(f"(Object.keys({given!s}?.exact ?? {{}}).length > 0 && {same})", _var_type=bool, _var_data=data)
    return rx.cond(
        exact,
        rx.el.span(
            icon("badge-check", theme.ICON_SMALL), "Exactly as sent", class_name="exactness", data_exact="true",
            title="Rendered by the server with the code that sends",
        ),
        rx.el.span(
            icon("pencil-line", theme.ICON_SMALL), "As typed", class_name="exactness", data_exact="false",
            title="Filled in by the browser until the server has rendered it",
        ),
    )  # fmt: skip


def _problem() -> rx.Component:
    """Why this person would get nothing, with the field to change."""
    failed, size = PreviewState.payload.problems, PreviewState.payload.size
    asked = (PreviewState.person != "") | (size != "")  # of nobody little is known: what is missing is no fault
    listed = rx.foreach(failed, lambda one: rx.el.div(rx.el.span(one.name, class_name="strong"), ": ", one.value))
    return rx.fragment(
        rx.cond(PreviewState.problem != "", note(PreviewState.problem, tone=theme.CARE), rx.fragment()),
        rx.cond(
            asked & (failed.length() > 0), rx.el.div(note(listed, tone=theme.CARE), id="preview-problem"), rx.fragment()
        ),
    )


def _tabs() -> rx.Component:
    return rx.el.div(
        *[
            rx.el.button(
                label,
                type="button",
                role="tab",
                id=f"preview-tab-{name}",
                aria_selected=tab_var.value == name,
                aria_controls=f"preview-{name}",
                tab_index=rx.cond(tab_var.value == name, 0, -1),
                on_click=tab_var.set_value(name),
            )
            for name, label in TABS
        ],
        role="tablist",
        aria_label="Ways to look at it",
        class_name="inspect-tabs",
        custom_attrs={"data-along": "true"},
    )


def _tab(name: str, *children: rx.Component) -> rx.Component:
    return rx.el.div(
        *children,
        id=f"preview-{name}",
        role="tabpanel",
        aria_labelledby=f"preview-tab-{name}",
        hidden=tab_var.value != name,
        class_name="inspect-tab",
    )


def _device() -> rx.Component:
    app = SessionState.app
    return push_preview(app.name, app.initials, app.color, app.website)
