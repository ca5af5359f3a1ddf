"""The way of a platform into the app, as its page shows it."""

from dataclasses import dataclass
from datetime import datetime

from backend.domain.vocabulary import Platform
from backend.services.channels import Channel
from console import cookbook, words
from console.cookbook import Snippet
from console.words import When

LABEL = {Platform.IOS: "iOS", Platform.ANDROID: "Android", Platform.WEB: "Web"}
NO_KEY = "your client key"


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that has been seen to work, or not yet."""

    word: str
    done: bool
    hint: str


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step with its files filled in."""

    number: str
    title: str
    text: str
    files: tuple[Snippet, ...]


@dataclass(frozen=True, slots=True)
class Guide:
    """Everything the page shows of one platform."""

    platform: str = ""
    label: str = ""
    steps: tuple[StepLine, ...] = ()


def guide(platform: Platform, api: str, key: str) -> Guide:
    lines = [
        StepLine(
            str(place), step.title, step.text, tuple(cookbook.snippet(name, api, key or NO_KEY) for name in step.files)
        )
        for place, step in enumerate(cookbook.STEPS[platform], start=1)
    ]
    return Guide(platform, LABEL[platform], tuple(lines))


def marks(channel: Channel) -> tuple[Mark, ...]:
    return (
        Mark("Credential", channel.credential, "Add one under Apps & credentials."),
        Mark("First device", channel.device, "Start your app: it registers itself."),
        Mark("First push accepted", channel.accepted, "Send a test to that device from a campaign."),
        Mark("First receipt", channel.receipt, "Tap the push, or let the extension or worker report it."),
    )


def last_seen(channel: Channel, zone: str, now: datetime) -> When:
    return words.when(channel.last_registered, zone, now)
