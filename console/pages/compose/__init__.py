"""Compose: to whom, what, which variants, when, and the last look; five steps in any order."""

import reflex as rx

from console import routes, theme
from console.components.feedback import missing, note, skeleton_text
from console.components.layout import back_link, page_head, panel
from console.pages.compose.audience import audience
from console.pages.compose.clash import clash
from console.pages.compose.experiment import experiment
from console.pages.compose.frame import foot, step_bar, step_panel
from console.pages.compose.head import head
from console.pages.compose.launch import launch_step
from console.pages.compose.message import message_step
from console.pages.compose.preview import preview_side
from console.pages.compose.rules import rules
from console.pages.compose.schedule import schedule
from console.rows.steps import AUDIENCE, DELIVERY, EXPERIMENT, LAUNCH, MESSAGE
from console.shell import loaded, page
from console.states.approval import ApprovalState
from console.states.audience import AudienceState
from console.states.compose import ComposeState
from console.states.content import ContentState
from console.states.drafts import DraftState
from console.states.experiment import ExperimentState
from console.states.launch import LaunchState
from console.states.preview import PreviewState
from console.states.recurring import RecurringState
from console.states.schedule import ScheduleState
from console.states.send_rules import SendRulesState
from console.states.telling import TellingState
from console.states.topics import TopicsState
from console.states.trial import TrialState
from console.states.trigger import TriggerState


@page(routes.NEW_CAMPAIGN, "New campaign", on_load=[DraftState.start])
def new_campaign() -> rx.Component:
    """Only passed through: a new draft opens at once."""
    return rx.fragment(page_head("New campaign"), _waiting())


@page(
    routes.EDIT_CAMPAIGN,
    "Compose",
    on_load=[
        LaunchState.enter,
        ComposeState.load,
        ContentState.load,
        AudienceState.load,
        TopicsState.load,
        ScheduleState.load,
        RecurringState.load,
        TriggerState.load,
        SendRulesState.load,
        ExperimentState.load,
        PreviewState.load,
        TellingState.load,
        TrialState.load,
        ApprovalState.load,
    ],
)
def compose() -> rx.Component:
    """All five steps are there at once; one is shown."""
    return rx.cond(
        ComposeState.missing,
        panel(missing("campaign", routes.CAMPAIGNS, "All campaigns"), flush=True),
        rx.cond(
            loaded(ComposeState.ready),
            rx.fragment(head(), step_bar(), _going_on(), clash(), _other(), _steps(), foot()),
            rx.fragment(page_head("Campaign", back=back_link("Campaigns", routes.CAMPAIGNS)), _waiting()),
        ),
    )


def _waiting() -> rx.Component:
    return panel(skeleton_text(5))


def _steps() -> rx.Component:
    return rx.fragment(
        step_panel(AUDIENCE, audience()),
        step_panel(MESSAGE, rx.el.div(message_step(), preview_side(), class_name="compose")),
        step_panel(EXPERIMENT, experiment()),
        step_panel(DELIVERY, schedule(), rules()),
        step_panel(LAUNCH, launch_step()),
    )


def _other() -> rx.Component:
    """What is wrong and belongs to no field of the page."""
    said = ComposeState.errors.other
    return rx.cond(said != "", rx.el.div(note(said, tone=theme.BAD), class_name="under-l"), rx.fragment())


def _going_on() -> rx.Component:
    """What is saved of a campaign that has been launched is in force at once."""
    told = rx.match(
        ComposeState.state,
        ("scheduled", "It is scheduled: what you change is in force at once. Unschedule it to write in peace."),
        ("active", "It is active: what you change counts from its next run on. Pause it to write in peace."),
        ("paused", "It is paused: what you change counts once it is resumed."),
        "",
    )
    said = rx.cond(ApprovalState.shown.fixed != "", ApprovalState.shown.fixed, told)
    return rx.cond(ComposeState.state != "draft", rx.el.div(note(said), class_name="under-l"), rx.fragment())
