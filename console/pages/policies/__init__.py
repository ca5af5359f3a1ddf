"""Policies: when and how often the app's people may be sent to, what stops a send, what asks first."""

import reflex as rx

from console import routes, theme
from console.components.feedback import empty, skeleton_text
from console.components.forms import field, text_input
from console.components.layout import icon, link, page_head, panel
from console.pages.policies.categories import categories, category_dialog
from console.pages.policies.limits import cap_rows, window_rows
from console.rows import policies as rows
from console.shell import loaded, page
from console.states.categories import CategoriesState
from console.states.policies import PoliciesState
from console.states.session import SessionState

TYPING = 400


@page(routes.POLICIES, "Policies", on_load=[PoliciesState.load, CategoriesState.load])
def policies() -> rx.Component:
    """For admins: a section each, saved one by one."""
    first = panel(
        empty(
            "shield-check",
            "No app yet",
            "Policies belong to an app; make the first one.",
            link(rx.button("Apps & credentials", variant="soft"), to=routes.APPS, class_name=""),
        ),
        flush=True,
    )
    return rx.fragment(
        page_head("Policies", badge=rx.el.span(SessionState.app.name, class_name="muted truncate")),
        rx.cond(
            loaded(PoliciesState.ready),
            rx.cond(PoliciesState.empty, first, _sections()),
            rx.el.div(panel(skeleton_text(4)), panel(skeleton_text(4)), class_name="stack-l"),
        ),
        category_dialog(),
    )


def _sections() -> rx.Component:
    return rx.el.div(
        _yesterday(),
        _quiet(),
        _caps(),
        categories(),
        _guard(),
        _look(),
        class_name="stack-l",
        data_unsaved=rx.cond(PoliciesState.changed.any, "true", "false"),
    )


def _yesterday() -> rx.Component:
    """Against which day everything is tried."""
    then = PoliciesState.then
    return rx.cond(
        then.day != "",
        rx.el.p(
            "Each change is tried on yesterday before you save it: ",
            then.day,
            "; ",
            then.sent,
            ". ",
            then.note,
            class_name="muted policy-day",
        ),
        rx.el.p("Yesterday is being counted…", class_name="muted policy-day"),
    )


def _section(section: str, about: str, changed: rx.Var[bool], *body: rx.Component) -> rx.Component:
    return panel(
        rx.el.div(rx.el.p(about, class_name="muted policy-about"), *body, class_name="stack"),
        title=rows.NAMES[section],
        aside=rx.cond(
            changed,
            rx.el.div(
                rx.el.span("Not saved", class_name="muted small hide-phone"),
                rx.button(
                    "Discard",
                    size="1",
                    variant="soft",
                    color_scheme=theme.QUIET,
                    on_click=PoliciesState.discard(section),
                ),
                rx.button(
                    "Save", size="1", on_click=PoliciesState.save(section), id=f"save-{section}", data_save="true"
                ),
                class_name="row",
            ),
            rx.fragment(),
        ),
        id=section,
    )


def _then(text: rx.Var[str]) -> rx.Component:
    """What it would have changed yesterday."""
    return rx.cond(
        text != "",
        rx.el.div(icon("history", theme.ICON_SMALL), rx.el.span(text), class_name="policy-then", role="status"),
        rx.fragment(),
    )


def _problem(text: rx.Var[str]) -> rx.Component:
    return rx.cond(
        text != "",
        rx.el.span(icon("circle-alert", theme.ICON_SMALL - 2), text, class_name="field-error", role="alert"),
        rx.fragment(),
    )


def _quiet() -> rx.Component:
    return _section(
        rows.QUIET,
        "Marketing and informational pushes wait, or are dropped where the campaign says so. They hold for people who "
        "named no hours of their own, by the clock of each device. Mandatory pushes pass.",
        PoliciesState.changed.quiet,
        window_rows(
            PoliciesState.form.windows,
            PoliciesState.window,
            PoliciesState.day,
            PoliciesState.drop,
            PoliciesState.revision,
        ),
        _problem(PoliciesState.problems.quiet),
        _add("Add hours", rows.QUIET),
        _then(PoliciesState.then.quiet),
    )


def _caps() -> rx.Component:
    return _section(
        rows.CAPS,
        "How many pushes a person gets at most, over all campaigns and devices. A push to several devices of a person "
        "counts once; mandatory ones neither count nor are held back.",
        PoliciesState.changed.caps,
        cap_rows(
            PoliciesState.form.caps,
            PoliciesState.cap,
            PoliciesState.drop,
            "No cap: people get everything.",
            PoliciesState.revision,
        ),
        _problem(PoliciesState.problems.caps),
        _add("Add cap", rows.CAPS),
        _then(PoliciesState.then.caps),
    )


def _add(label: str, section: str) -> rx.Component:
    return rx.el.div(
        rx.button(
            icon("plus", theme.ICON_SMALL),
            label,
            size="1",
            variant="soft",
            color_scheme=theme.QUIET,
            on_click=PoliciesState.add(section),
        )
    )


def _alone(
    label: str, name: str, value: rx.Var[str], error: rx.Var[str], help_text: str, unit: str, then
) -> rx.Component:
    control = text_input(
        name,
        default_value=value,
        key=f"{name}-{PoliciesState.revision}",
        invalid=error != "",
        input_mode="numeric",
        auto_complete="off",
        on_change=lambda text: PoliciesState.put(name, text).debounce(TYPING),
    )
    return rx.el.div(
        field(
            label,
            rx.el.div(control, rx.el.span(unit, class_name="unit"), class_name="measured"),
            name=name,
            error=error,
            help_text=help_text,
        ),
        _then(then),
        class_name="stack-s",
    )


def _guard() -> rx.Component:
    form, problems, then = PoliciesState.form, PoliciesState.problems, PoliciesState.then
    return _section(
        rows.GUARD,
        "What stops a send for its own good, and what asks once more before it begins.",
        PoliciesState.changed.guard,
        rx.el.div(
            _alone(
                "Error limit", "error_limit", form.error_limit, problems.error_limit,
                "A send pauses itself when more than this share of its answers are errors. 0 never does.", "%",
                then.error_limit,
            ),
            _alone(
                "Launch threshold", "threshold", form.threshold, problems.threshold,
                "A launch to more devices than this wants their number typed.", "devices", then.threshold,
            ),
            class_name="pair",
        ),
    )  # fmt: skip


def _look() -> rx.Component:
    form = PoliciesState.form
    picker = rx.el.input(
        type="color",
        aria_label="Pick a colour",
        value=rx.cond(form.color != "", form.color, theme.NEUTRAL),
        on_change=lambda text: PoliciesState.put("color", text).debounce(TYPING),
        class_name="policy-swatch",
    )
    text = text_input(
        "color",
        value=form.color,
        placeholder=theme.NEUTRAL,
        invalid=PoliciesState.problems.color != "",
        max_length=7,
        auto_complete="off",
        spell_check=False,
        on_change=lambda text: PoliciesState.put("color", text),
    )
    sample = rx.el.div(
        rx.el.span(SessionState.app.initials, class_name="tile", style={"background": form.color}),
        rx.el.span(SessionState.app.name, class_name="strong truncate"),
        class_name="policy-sample",
        style={"border_color": form.color},
    )
    return _section(
        rows.LOOK,
        "The colour of the pages that your app's people see, such as the one where they choose what they get.",
        PoliciesState.changed.look,
        rx.el.div(
            field(
                "Colour",
                rx.el.div(picker, text, class_name="measured"),
                name="color",
                error=PoliciesState.problems.color,
                help_text="Empty: Tocsin's own, as shown.",
            ),
            sample,
            class_name="pair",
        ),
    )
