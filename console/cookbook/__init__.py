"""How an app is made a channel: steps for each platform, with code that works as it stands beside this file."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backend.domain.vocabulary import Platform

HERE = Path(__file__).resolve().parent
API, KEY = "{{API}}", "{{KEY}}"


@dataclass(frozen=True, slots=True)
class Snippet:
    """A file of the app. `code` has the installation's address and the app's key in it."""

    name: str
    code: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and the files that it takes."""

    title: str
    text: str
    files: tuple[str, ...] = ()


STEPS: dict[Platform, tuple[Step, ...]] = {
    Platform.IOS: (
        Step(
            "Give Tocsin your Apple key",
            "In Apple's developer account make an APNs key (.p8) and add it under Apps & credentials with its key id, "
            "your team id and the app's bundle id as topic. Add it twice if you test from Xcode: builds of yours talk "
            "to the sandbox, TestFlight and the App Store to production.",
        ),
        Step(
            "Turn the capabilities on",
            "In Xcode: Push Notifications, Background Modes with Remote notifications, and an App Group that the app "
            "shares with its extension. Put the group's name into Tocsin.swift.",
        ),
        Step(
            "Register the device",
            "Both files belong to the app; Tocsin.swift to the extension as well. The token is registered at every "
            "start: it changes when it likes, and the device keeps its id.",
            ("Tocsin.swift", "AppDelegate.swift"),
        ),
        Step(
            "Add the service extension",
            "File, New, Target, Notification Service Extension. It adds the picture and the buttons, and it alone can "
            "report a push as delivered while the app sleeps.",
            ("NotificationService.swift",),
        ),
    ),
    Platform.ANDROID: (
        Step(
            "Give Tocsin your Firebase project",
            "In the Firebase console: Project settings, Service accounts, Generate new private key. Add the JSON file "
            "under Apps & credentials.",
        ),
        Step(
            "Add Firebase to the app",
            "google-services.json, the Google services plugin and firebase-messaging as Firebase's own guide has it, "
            "and an icon named ic_notification.",
            ("AndroidManifest.xml",),
        ),
        Step(
            "Register the device",
            "Call register() with the token at every start too, and again once the person has answered Android's "
            "question for permission.",
            ("Tocsin.kt",),
        ),
        Step(
            "Receive and report",
            "A notification message is shown by Android itself and reports only the tap; a data message is drawn by "
            "your code, with buttons, and reports its delivery. Choose with the field Mode in the composer. In the "
            "activity's onCreate and onNewIntent call Tocsin(this).opened(intent) and go to the link that it gives.",
            ("PushService.kt",),
        ),
    ),
    Platform.WEB: (
        Step(
            "Let Tocsin sign",
            "Add a Web Push credential under Apps & credentials; its keys are made for you. Add your site's address to "
            "the app's allowed origins on the same page.",
        ),
        Step(
            "Serve the worker from your own site",
            "One file with one line, at the root of the site. It shows pushes, opens their links, and reports what "
            "became of them, later if there is no network.",
            ("push-worker.js",),
        ),
        Step(
            "Register the browser",
            "On the pages themselves. iPhones and iPads take pushes only for sites that were added to the home screen: "
            "tocsin.start() then says “unsupported” in the ordinary Safari.",
            ("page.html",),
        ),
    ),
}


@cache
def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8").rstrip()


def snippet(name: str, api: str, key: str) -> Snippet:
    """A file with the address of the API and a client key filled in."""
    return Snippet(name, _text(name).replace(API, api.rstrip("/")).replace(KEY, key))
