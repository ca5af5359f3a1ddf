"""Compose: what is said, to whom, when; with the notification beside it as it will arrive."""

import reflex as rx

from console import routes, theme
from console.components import draft
from console.components.badges import campaign_badge
from console.components.feedback import missing, note, skeleton_text
from console.components.layout import back_link, icon, link, page_head, panel
from console.pages.compose.audience import audience
from console.pages.compose.launch import launch_dialog
from console.pages.compose.message import message
from console.pages.compose.preview import preview
from console.pages.compose.rules import rules
from console.pages.compose.schedule import schedule
from console.rows.event_form import EVENT
from console.rows.once_form import NOW
from console.rows.recurring_form import RECURRING
from console.shell import loaded, page
from console.states.audience import AudienceState
from console.states.compose import CONFLICT, SAVED, ComposeState
from console.states.content import ContentState
from console.states.launch import LaunchState
from console.states.preview import PreviewState
from console.states.recurring import RecurringState
from console.states.schedule import ScheduleState
from console.states.send_rules import SendRulesState
from console.states.topics import TopicsState
from console.states.trigger import TriggerState


@page(routes.NEW_CAMPAIGN, "New campaign", on_load=[ComposeState.start])
def new_campaign() -> rx.Component:
    """Only passed through: a new draft opens at once."""
    return rx.fragment(page_head("New campaign"), panel(skeleton_text(5)))


@page(
    routes.EDIT_CAMPAIGN,
    "Compose",
    on_load=[
        LaunchState.close,
        ComposeState.load,
        ContentState.load,
        AudienceState.load,
        TopicsState.load,
        ScheduleState.load,
        RecurringState.load,
        TriggerState.load,
        SendRulesState.load,
        PreviewState.load,
    ],
)
def compose() -> rx.Component:
    """The form on the left, the preview on the right; below it on a narrow window."""
    return rx.cond(
        ComposeState.missing,
        panel(missing("campaign", routes.CAMPAIGNS, "All campaigns"), flush=True),
        rx.cond(
            loaded(ComposeState.ready),
            rx.fragment(
                _head(), _going_on(), _conflict(), rx.el.div(_form(), preview(), class_name="compose"), launch_dialog()
            ),
            rx.fragment(page_head("Campaign", back=back_link("Campaigns", routes.CAMPAIGNS)), panel(skeleton_text(5))),
        ),
    )


def _head() -> rx.Component:
    name = rx.el.input(
        default_value=ComposeState.name,
        key=f"name-{ContentState.revision == 0}",
        aria_label="Campaign name",
        max_length=200,
        class_name="name-input",
        id="campaign-name",
        on_change=ComposeState.rename.debounce(500),
        aria_invalid=ComposeState.errors.name != "",
    )
    word = rx.match(ScheduleState.kind, (NOW, "Launch"), (RECURRING, "Activate"), (EVENT, "Activate"), "Schedule")
    return page_head(
        name,
        rx.el.span(_saved(), class_name="saved", aria_live="polite"),
        rx.el.button(
            "Save",
            type="button",
            class_name="visually-hidden",
            tab_index=-1,
            data_save="true",
            on_click=[ContentState.edit(draft.now()), ComposeState.save_now],
        ),
        rx.el.span(AudienceState.reach.shown, " ", AudienceState.reach.unit, class_name="muted small tnum hide-phone"),
        rx.cond(ComposeState.state == "draft", _review(word), _report()),
        badge=campaign_badge(ComposeState.state),
        back=back_link("Campaigns", routes.CAMPAIGNS),
    )


def _review(word: rx.Var[str]) -> rx.Component:
    return rx.button(icon("rocket"), word, id="review", on_click=[ContentState.edit(draft.now()), LaunchState.review])


def _report() -> rx.Component:
    """Of a campaign that has been launched the report is where it is steered."""
    here = rx.State.router.page.params["campaign_id"]
    return link(rx.button("Open report", variant="soft"), to=f"{routes.CAMPAIGNS}/{here}", class_name="")


def _saved() -> rx.Component:
    return rx.match(
        ComposeState.saved,
        (SAVED, rx.fragment(icon("check", theme.ICON_SMALL), "Saved")),
        (CONFLICT, rx.fragment(icon("triangle-alert", theme.ICON_SMALL), "Not saved")),
        rx.fragment(icon("circle-alert", theme.ICON_SMALL), "Not saved yet"),
    )


def _conflict() -> rx.Component:
    """Somebody else was faster: nothing is overwritten without a word."""
    shown = note(
        rx.el.div(
            rx.el.span(ComposeState.problem),
            rx.el.span(
                rx.button("Load theirs", size="1", variant="soft", on_click=rx.call_script("location.reload()")),
                rx.button(
                    "Keep my text", size="1", variant="soft", color_scheme=theme.CARE, on_click=ComposeState.overwrite
                ),
                class_name="row",
            ),
            class_name="row-wrap",
        ),
        tone=theme.CARE,
    )
    other = rx.cond(
        ComposeState.errors.other != "",
        rx.el.div(note(ComposeState.errors.other, tone=theme.BAD), class_name="under-l"),
        rx.fragment(),
    )
    return rx.cond(ComposeState.problem != "", rx.el.div(shown, class_name="under-l"), other)


def _going_on() -> rx.Component:
    """What is saved of a campaign that has been launched is in force at once."""
    told = rx.match(
        ComposeState.state,
        ("scheduled", "It is scheduled: what you change is in force at once. Unschedule it to write in peace."),
        ("active", "It is active: what you change counts from its next run on. Pause it to write in peace."),
        ("paused", "It is paused: what you change counts once it is resumed."),
        "",
    )
    return rx.cond(ComposeState.state != "draft", rx.el.div(note(told), class_name="under-l"), rx.fragment())


def _form() -> rx.Component:
    return rx.el.div(message(), audience(), schedule(), rules(), class_name="stack-l")
