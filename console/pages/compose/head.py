"""The composer's title row: what the campaign is called, whether it is saved, and what can be done with it."""

import reflex as rx
from reflex.experimental import ClientStateVar
from reflex_components_core.core.banner import has_connection_errors

from console import routes, theme
from console.components import draft, keep
from console.components.badges import campaign_badge
from console.components.layout import back_link, icon, link, page_head
from console.pages.compose.frame import here
from console.rows.event_form import EVENT
from console.rows.once_form import NOW
from console.rows.recurring_form import RECURRING
from console.rows.steps import LAUNCH
from console.states.clash import ClashState
from console.states.compose import CONFLICT, SAVED, ComposeState
from console.states.content import ContentState
from console.states.drafts import DraftState
from console.states.experiment import ExperimentState
from console.states.launch import LaunchState
from console.states.schedule import ScheduleState
from console.states.steps import StepsState

discarding = ClientStateVar.create("draft_discarding", default=False)
STORE = ContentState.store(draft.now())


def head() -> rx.Component:
    """One primary action, whose word follows the state and the schedule."""
    return page_head(
        _name(),
        _saved(),
        _save_now(),
        _more(),
        rx.cond(ComposeState.state == "draft", _review(), _report()),
        badge=campaign_badge(ComposeState.state),
        back=back_link("Campaigns", routes.CAMPAIGNS),
    )


def _name() -> rx.Component:
    return rx.el.input(
        default_value=ComposeState.name,
        key=f"name-{ClashState.revision}",
        aria_label="Campaign name",
        max_length=200,
        class_name="name-input",
        id="campaign-name",
        on_change=ComposeState.rename.debounce(500),
        on_blur=ComposeState.rename,
        aria_invalid=ComposeState.errors.name != "",
        title=ComposeState.errors.name,
    )


def _saved() -> rx.Component:
    """What is typed and not yet heard of is on its way; without a connection it waits in the browser."""
    word = rx.match(
        ComposeState.saved,
        (SAVED, rx.cond(keep.saving(), _going(), _sign("check", "Saved"))),
        (CONFLICT, _sign("triangle-alert", "Not saved")),
        _sign("circle-alert", "Not saved yet"),
    )
    away = _sign("cloud-off", "No connection. What you type is kept here.")
    at = rx.cond(
        (ComposeState.saved == SAVED) & ~keep.saving() & ~has_connection_errors,
        rx.el.time(
            StepsState.saved_at.short, title=StepsState.saved_at.exact, class_name="muted small tnum hide-phone"
        ),
        rx.fragment(),
    )
    return rx.el.span(
        rx.el.span(rx.cond(has_connection_errors, away, word), class_name="saved", aria_live="polite"),
        at,
        class_name="row saved-row",
        custom_attrs={"data-unsaved": rx.cond(keep.saving(), "true", "false")},
    )


def _going() -> rx.Component:
    return rx.fragment(rx.spinner(size="1"), "Saving…")


def _sign(name: str, word: str) -> rx.Component:
    return rx.fragment(icon(name, theme.ICON_SMALL), word)


def _save_now() -> rx.Component:
    """What Ctrl+S presses."""
    return rx.el.button(
        "Save",
        type="button",
        class_name="visually-hidden",
        tab_index=-1,
        data_save="true",
        on_click=[STORE, DraftState.say_saved],
    )


def _review() -> rx.Component:
    word = rx.match(ScheduleState.kind, (NOW, "Launch"), (RECURRING, "Activate"), (EVENT, "Activate"), "Schedule")
    return rx.button(icon("rocket"), word, id="review", on_click=[STORE, keep.go(LAUNCH), LaunchState.review])


def _report() -> rx.Component:
    """Of a campaign that has been launched the report is where it is steered."""
    return link(rx.button("Open report", variant="soft"), to=f"{routes.CAMPAIGNS}/{here()}", class_name="")


def _more() -> rx.Component:
    """What is done seldom; only a draft can be deleted."""
    delete = rx.dropdown_menu.item(
        icon("trash-2", theme.ICON_SMALL), "Delete draft", color=theme.BAD, on_select=discarding.set_value(True)
    )
    return rx.fragment(
        rx.dropdown_menu.root(
            rx.dropdown_menu.trigger(
                rx.el.button(
                    icon("ellipsis", theme.ICON), type="button", aria_label="More actions", class_name="icon-button"
                )
            ),
            rx.dropdown_menu.content(
                rx.dropdown_menu.item(
                    icon("copy-plus", theme.ICON_SMALL), "Duplicate", on_select=[STORE, DraftState.duplicate]
                ),
                rx.dropdown_menu.item(
                    icon("layout-template", theme.ICON_SMALL),
                    "Save as template",
                    on_select=[STORE, DraftState.keep_template(keep.variant()), ExperimentState.load],
                ),
                rx.cond(
                    ComposeState.state == "draft", rx.fragment(rx.dropdown_menu.separator(), delete), rx.fragment()
                ),
            ),
        ),
        _discard(),
    )


def _discard() -> rx.Component:
    return rx.alert_dialog.root(
        rx.alert_dialog.content(
            rx.alert_dialog.title(rx.fragment("Delete ", ComposeState.name, "?"), size="4"),
            rx.alert_dialog.description("The draft and its text are gone for good.", class_name="dialog-text"),
            rx.el.div(
                rx.alert_dialog.cancel(rx.button("Keep it", variant="soft", color_scheme=theme.QUIET)),
                rx.alert_dialog.action(rx.button("Delete draft", color_scheme=theme.BAD, on_click=DraftState.discard)),
                class_name="dialog-actions",
            ),
            max_width=theme.DIALOG,
        ),
        open=discarding.value,
        on_open_change=discarding.set_value,
    )
