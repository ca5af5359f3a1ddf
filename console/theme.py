"""The look by meaning: the one place where a colour, an icon or a size has a value.

Layout and type live in `assets/styles.css` under the same names; pages speak of tones and classes only.
"""

from dataclasses import dataclass
from typing import Final

import reflex as rx

from backend.domain.vocabulary import (
    ApprovalState,
    CampaignState,
    CategoryKind,
    CredentialStatus,
    DeliveryState,
    LaneState,
)

ACCENT: Final = "iris"
NEUTRAL: Final = "#5b5bd6"
"""What the pages of an app look like before a colour was chosen, and so what the picker shows."""
GREY: Final = "slate"


def radix() -> rx.Component:
    """The Radix theme; it follows the system's light or dark."""
    return rx.theme(accent_color=ACCENT, gray_color=GREY, radius="medium", scaling="95%")


# Tones: what a colour says. Nothing else may give a thing a colour.
ACT: Final = ACCENT
GOOD: Final = "green"
CARE: Final = "amber"
BAD: Final = "red"
QUIET: Final = "gray"


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is shown: its tone, an icon and the word beside it."""

    tone: str
    icon: str
    word: str


CAMPAIGN: Final[dict[str, Look]] = {
    CampaignState.DRAFT: Look(QUIET, "pencil-line", "Draft"),
    CampaignState.SCHEDULED: Look(ACT, "calendar-clock", "Scheduled"),
    CampaignState.ACTIVE: Look(GOOD, "repeat", "Active"),
    CampaignState.RUNNING: Look(ACT, "send", "Running"),
    CampaignState.PAUSED: Look(CARE, "pause", "Paused"),
    CampaignState.FINISHED: Look(GOOD, "check", "Finished"),
    CampaignState.CANCELLED: Look(QUIET, "ban", "Cancelled"),
    CampaignState.ARCHIVED: Look(QUIET, "archive", "Archived"),
}

APPROVAL: Final[dict[str, Look]] = {
    ApprovalState.ASKED: Look(CARE, "user-check", "Waiting for approval"),
    ApprovalState.APPROVED: Look(GOOD, "check", "Approved"),
    ApprovalState.DECLINED: Look(BAD, "x", "Declined"),
    ApprovalState.WITHDRAWN: Look(QUIET, "undo-2", "Withdrawn"),
    "changed": Look(CARE, "pencil-line", "Changed since"),
}

DELIVERY: Final[dict[str, Look]] = {
    DeliveryState.PLANNED: Look(QUIET, "clock", "Planned"),
    DeliveryState.SENDING: Look(ACT, "send", "Sending"),
    DeliveryState.ACCEPTED: Look(GOOD, "check", "Accepted"),
    DeliveryState.FAILED: Look(BAD, "x", "Failed"),
    DeliveryState.SKIPPED: Look(QUIET, "skip-forward", "Skipped"),
    DeliveryState.EXPIRED: Look(BAD, "timer-off", "Expired"),
    DeliveryState.CANCELLED: Look(QUIET, "ban", "Cancelled"),
    DeliveryState.UNKNOWN: Look(CARE, "circle-help", "Unknown"),
}

DEVICE: Final[dict[str, Look]] = {
    "active": Look(GOOD, "check", "Active"),
    "denied": Look(CARE, "bell-off", "Not allowed"),
    "unsubscribed": Look(QUIET, "bell-off", "Unsubscribed"),
    "invalid": Look(BAD, "unplug", "Invalid"),
}

CATEGORY: Final[dict[str, Look]] = {
    CategoryKind.MANDATORY: Look(CARE, "bell-ring", "Mandatory"),
    CategoryKind.INFORMATIONAL: Look(QUIET, "info", "Informational"),
    CategoryKind.MARKETING: Look(QUIET, "megaphone", "Marketing"),
}

ARCHIVED: Final[dict[str, Look]] = {"archived": Look(QUIET, "archive", "Archived")}

NAMELESS: Final[dict[str, Look]] = {"anonymous": Look(QUIET, "user", "Anonymous")}

CREDENTIAL: Final[dict[str, Look]] = {
    CredentialStatus.ACTIVE: Look(GOOD, "check", "Active"),
    CredentialStatus.RETIRING: Look(QUIET, "archive", "Retiring"),
    "held": Look(CARE, "pause", "Held"),
}

LANE: Final[dict[str, Look]] = {
    LaneState.PAUSED: Look(CARE, "pause", "Paused"),
    LaneState.HELD: Look(CARE, "octagon-pause", "Held"),
    LaneState.RESTING: Look(CARE, "timer", "Resting"),
    LaneState.HALF_OPEN: Look(CARE, "timer-reset", "Trying"),
    LaneState.STALLED: Look(BAD, "circle-alert", "Stalled"),
    LaneState.SLOWED: Look(CARE, "gauge", "Slowed"),
    LaneState.WORKING: Look(ACT, "send", "Sending"),
    LaneState.IDLE: Look(QUIET, "circle-dot", "Idle"),
}

HOST: Final[dict[str, Look]] = {
    "closed": Look(GOOD, "check", "Answers"),
    "open": Look(CARE, "timer", "Resting"),
    "half_open": Look(CARE, "timer-reset", "Trying"),
}

PROCESS: Final[dict[str, Look]] = {
    "alive": Look(GOOD, "check", "Alive"),
    "silent": Look(BAD, "circle-alert", "Silent"),
}

PROVIDER_ICON: Final[dict[str, str]] = {"apns": "smartphone", "fcm": "tablet-smartphone", "webpush": "globe"}

STEP: Final[dict[str, Look]] = {
    "good": Look(GOOD, "check", ""),
    "wait": Look(CARE, "clock", ""),
    "bad": Look(BAD, "x", ""),
    "plain": Look(QUIET, "circle-dot", ""),
}

PLATFORM_ICON: Final[dict[str, str]] = {
    "ios": "smartphone",
    "android": "tablet-smartphone",
    "web": "globe",
    "topic": "rss",
}

# Okabe–Ito, told apart by every common kind of colour vision; one hue a measure, on every page.
BLUE: Final = "#0072B2"
ORANGE: Final = "#E69F00"
GREEN: Final = "#009E73"
SKY: Final = "#56B4E9"
VERMILION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
MEASURE: Final[dict[str, str]] = {
    "audience": SKY,
    "accepted": BLUE,
    "delivered": GREEN,
    "displayed": SKY,
    "opened": ORANGE,
    "failed": VERMILION,
    "skipped": PURPLE,
}
CHART_HEIGHT: Final = 280
CHART_TALL: Final = 360
CHART_TEXT: Final = "#7C818A"  # grey that reads on both backgrounds
CHART_GRID: Final = "rgba(127, 132, 142, 0.16)"
CHART_FONT: Final = 12

DIALOG: Final = "480px"
DIALOG_WIDE: Final = "560px"
DIALOG_WIDER: Final = "720px"
POPOVER: Final = "280px"
POPOVER_WIDE: Final = "360px"

ICON: Final = 16
ICON_SMALL: Final = 14
