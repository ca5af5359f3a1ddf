"""What stands around the composer's steps: the bar that leads from one to the next, and the foot with the reach."""

import reflex as rx

from console import theme
from console.components import keep
from console.components.layout import icon
from console.rows.steps import DONE, LABELS, MESSAGE, STEPS, WRONG, Mark
from console.states.audience import AudienceState
from console.states.preview import PreviewState
from console.states.steps import StepsState


def step_bar() -> rx.Component:
    """Any step at any time: by click, by Alt and its number, by the arrow keys along the bar."""
    return rx.el.nav(
        rx.el.div(
            *[_step(number, name) for number, name in enumerate(STEPS, 1)],
            role="tablist",
            aria_label="Steps",
            class_name="composer-steps",
            custom_attrs={"data-steps": here()},
            on_mount=rx.call_script("globalThis.tocsin?.steps?.show()"),
        ),
        class_name="composer-bar",
        aria_label="Steps of the campaign",
    )


def here() -> rx.Var[str]:
    """The campaign that the address names."""
    return rx.State.router.page.params["campaign_id"].to(str)


def _step(number: int, name: str) -> rx.Component:
    mark: Mark = getattr(StepsState.marks, name)
    sign, told = _sign(mark), mark.note
    if name == MESSAGE:
        unfilled = (mark.state == DONE) & (PreviewState.wrong.length() > 0)
        sign = rx.cond(unfilled, icon("triangle-alert", theme.ICON, class_name="care"), sign)
        told = rx.cond(unfilled, "A text cannot be filled in for whom the preview shows", told)
    return rx.el.button(
        sign,
        rx.el.span(LABELS[name], class_name="composer-step-label"),
        rx.el.span(". ", told, class_name="visually-hidden"),
        type="button",
        role="tab",
        id=f"to-{name}",
        aria_selected=keep.is_open(name),
        aria_controls=f"step-{name}",
        tab_index=rx.cond(keep.is_open(name), 0, -1),
        title=rx.cond(told != "", f"{told} · Alt+{number}", f"Alt+{number}"),
        class_name="composer-step",
        custom_attrs={"data-step": name, "data-mark": mark.state},
        on_click=keep.go(name),
    )


def _sign(mark: rx.Var[Mark]) -> rx.Component:
    return rx.match(
        mark.state,
        (DONE, icon("circle-check", theme.ICON)),
        (WRONG, rx.el.span(mark.count, class_name="composer-wrong tnum")),
        icon("circle", theme.ICON),
    )


def step_panel(name: str, *children: rx.Component) -> rx.Component:
    """A step with the way to the next one; hidden while another is open, so that nothing typed is lost."""
    at = STEPS.index(name)
    following = STEPS[at + 1] if at + 1 < len(STEPS) else None
    onward = [] if following is None else [_onward(following)]
    return rx.el.section(
        *children,
        *onward,
        id=f"step-{name}",
        role="tabpanel",
        aria_labelledby=f"to-{name}",
        hidden=~keep.is_open(name),
        class_name="composer-step-panel stack-l",
    )


def _onward(following: str) -> rx.Component:
    return rx.el.div(
        rx.button(
            f"Next: {LABELS[following]}",
            icon("arrow-right", theme.ICON_SMALL),
            variant="soft",
            size="2",
            id=f"next-{following}",
            on_click=keep.go(following),
        ),
        class_name="composer-next",
    )


def foot() -> rx.Component:
    """How many would get it now; always in sight."""
    reach, problem = AudienceState.reach, AudienceState.problem
    return rx.el.footer(
        rx.cond(AudienceState.counting, rx.spinner(size="1"), icon("users", theme.ICON_SMALL)),
        rx.el.span(
            rx.el.span(reach.shown, class_name="strong tnum", id="reach"),
            " ",
            reach.unit,
            class_name="nowrap",
        ),
        rx.el.span(reach.people, class_name="reach-people muted tnum nowrap"),
        rx.el.span(reach.platforms, class_name="muted small tnum push-right truncate"),
        rx.cond(
            problem != "",
            rx.el.span(icon("triangle-alert", theme.ICON_SMALL), problem, class_name="row care small truncate"),
            rx.fragment(),
        ),
        class_name="composer-foot",
        aria_live="polite",
        aria_busy=AudienceState.counting,
        aria_label="Reach",
    )
