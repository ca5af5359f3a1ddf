"""Every field that a content may say, described once: the message form is drawn from this table.

A field that is sent only to some platforms says of each of the others, in `absent`, why it is not there.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

from console import theme

IOS, ANDROID, WEB = "ios", "android", "web"

_ONLY_IOS: Final = "Only iPhones and iPads have this."
_ONLY_ANDROID: Final = "Only Android has this."
_ONLY_WEB: Final = "Only browsers have this."

Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field of the form.

    `kind` says how it is edited, `fallback` what counts when nothing is said (in words, or true/false of a switch),
    `nothing` whether an override may say that there is none, `notes` what a platform does differently.
    """

    name: str
    label: str
    kind: str
    group: str
    help: str = ""
    placeholder: str = ""
    platform: str = ""
    options: Options = ()
    fallback: str | bool = ""
    nothing: bool = False
    absent: dict[str, str] | None = None
    notes: dict[str, str] | None = None
    most: int = 0


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Fields that stand together. A `closed` one is opened by whoever needs it."""

    name: str
    title: str
    closed: bool = True
    platform: str = ""
    help: str = ""


GROUPS: Final = (
    GroupRow("words", "Words", closed=False),
    GroupRow("opens", "What a tap opens, and the picture", closed=False),
    GroupRow("buttons", "Buttons", closed=False),
    GroupRow("ios", "On iPhones and iPads", platform=IOS, closed=False),
    GroupRow("android", "On Android", platform=ANDROID, closed=False),
    GroupRow("web", "In browsers", platform=WEB, closed=False),
    GroupRow("sound", "Sound and badge"),
    GroupRow("together", "Stacking and replacing"),
    GroupRow("delivery", "Lifetime and silent pushes"),
    GroupRow("data", "Data for your app"),
    GroupRow("ios_app", "What the app on the iPhone does with it", platform=IOS),
    GroupRow("ios_texts", "Words from the app's own translations", platform=IOS),
    GroupRow("android_looks", "Looks, light and vibration", platform=ANDROID),
    GroupRow("android_app", "Which app takes it, and how", platform=ANDROID),
    GroupRow("android_texts", "Words from the app's own translations", platform=ANDROID),
)

_WORDS: Final = (
    FieldRow("title", "Title", "text", "words", placeholder="Your order is on its way", nothing=True, most=1),
    FieldRow(
        "subtitle",
        "Subtitle",
        "text",
        "words",
        "A second bold line.",
        nothing=True,
        most=1,
        absent={
            ANDROID: "Android's system shows no second line; an app that draws the push itself is given it.",
            WEB: "Browsers have no second line.",
        },
    ),
    FieldRow(
        "body",
        "Body",
        "text",
        "words",
        placeholder="Hi {{ user.name | default('there') }}, it arrives tomorrow.",
        nothing=True,
    ),
)

_OPENS: Final = (
    FieldRow("link", "Link", "address", "opens", "Opened by a tap.", "myapp://orders or https://…", nothing=True),
    FieldRow(
        "image",
        "Image",
        "address",
        "opens",
        "An https address.",
        "https://…",
        nothing=True,
        notes={
            IOS: "Your app's notification service extension loads it.",
            ANDROID: "Firebase loads at most 1 MB.",
            WEB: "Chrome and Edge show it; Safari and Firefox show none.",
        },
    ),
    FieldRow(
        "actions",
        "Buttons",
        "actions",
        "buttons",
        "iPhones show up to 4, Android 3, browsers 2.",
        nothing=True,
        most=4,
        notes={
            IOS: "iPhones show up to 4. Your app's extension makes them; iOS cannot be sent buttons alone.",
            ANDROID: "Android shows up to 3, and only where the app draws the push itself (Drawn by: the app).",
            WEB: "Chrome and Edge show up to 2; Safari shows none.",
        },
    ),
)

_SOUND: Final = (
    FieldRow(
        "sound",
        "Sound",
        "sound",
        "sound",
        nothing=True,
        absent={WEB: "A browser plays its own sound; Muted, above, turns it off."},
        notes={ANDROID: "From Android 8 on the channel's sound counts."},
    ),
    FieldRow(
        "critical_volume",
        "Critical alert",
        "volume",
        "sound",
        "Sounds even on a muted phone; Apple has to allow it to your app.",
        platform=IOS,
        absent=dict.fromkeys((ANDROID, WEB), _ONLY_IOS),
    ),
    FieldRow(
        "badge",
        "Badge",
        "badge",
        "sound",
        "The number on the app's icon. A push can set or clear it; to count up, the app adds to it itself.",
        nothing=True,
        notes={
            ANDROID: "Launchers that show numbers add this to the app's count.",
            WEB: "Installed web apps show it, in Safari, Chrome and Edge.",
        },
    ),
)

_TOGETHER: Final = (
    FieldRow(
        "thread",
        "Thread",
        "words",
        "together",
        "Pushes of one thread are stacked.",
        "orders",
        nothing=True,
        absent={WEB: "Browsers do not stack; a collapse key replaces instead."},
        notes={ANDROID: "Given to an app that draws the push itself."},
    ),
    FieldRow(
        "collapse_key",
        "Collapse key",
        "words",
        "together",
        "A later push with this key replaces this one. At most 64 bytes.",
        "order-{{ event.order_id }}",
        nothing=True,
    ),
)

_DELIVERY: Final = (
    FieldRow(
        "ttl_seconds",
        "Keep trying for",
        "duration",
        "delivery",
        "For devices that are offline. 0: now or never.",
        fallback="24 hours",
    ),
    FieldRow(
        "silent",
        "Silent",
        "switch",
        "delivery",
        "Wakes the app in the background and shows nothing; words, sound and badge are left out.",
        fallback=False,
    ),
)

_DATA: Final = (
    FieldRow(
        "data",
        "Data",
        "map",
        "data",
        "Texts that your app reads. Another platform or language adds to these.",
        most=100,
    ),
)

_IOS: Final = (
    FieldRow(
        "interruption_level",
        "Interruption level",
        "choice",
        IOS,
        platform=IOS,
        options=(
            ("passive", "Passive: no sound, no light"),
            ("active", "Active"),
            ("time-sensitive", "Time sensitive: breaks through Focus"),
            ("critical", "Critical: needs Apple's permission"),
        ),
        fallback="Active",
        absent={ANDROID: "Android asks the channel.", WEB: "Browsers have Urgency instead."},
    ),
    FieldRow(
        "relevance_score",
        "Relevance",
        "number",
        IOS,
        "0 to 1; the highest leads the notification summary.",
        platform=IOS,
        absent=dict.fromkeys((ANDROID, WEB), _ONLY_IOS),
    ),
    FieldRow(
        "action_category",
        "Action category",
        "name",
        IOS,
        "A category that the app has registered: its buttons are shown.",
        "SALE",
        platform=IOS,
    ),
    FieldRow(
        "mutable_content",
        "Let the app's extension change it",
        "switch",
        "ios_app",
        "It adds picture and buttons and reports the delivery.",
        platform=IOS,
        fallback=True,
    ),
    FieldRow(
        "content_available",
        "Also wake the app",
        "switch",
        "ios_app",
        "Gives the app some seconds in the background.",
        platform=IOS,
        fallback=False,
    ),
    FieldRow(
        "target_content_id", "Target content", "words", "ios_app", "The window that the tap brings up.", platform=IOS
    ),
    FieldRow("filter_criteria", "Focus filter", "words", "ios_app", "What a Focus may filter by.", platform=IOS),
    FieldRow(
        "launch_image", "Launch image", "name", "ios_app", "A picture in the app, shown while it opens.", platform=IOS
    ),
)

_LOC: Final = (("title", "Title"), ("subtitle", "Subtitle"), ("body", "Body"))


def _texts_of_the_app(platform: str) -> tuple[FieldRow, ...]:
    """The keys of texts in the app's own resources; Android has no subtitle."""
    group = f"{platform}_texts"
    said = [row for row in _LOC if platform == IOS or row[0] != "subtitle"]
    return tuple(
        row
        for name, label in said
        for row in (
            FieldRow(f"{name}_loc_key", f"{label} key", "name", group, placeholder=f"SALE_{name.upper()}", platform=platform),
            FieldRow(f"{name}_loc_args", f"{label} values", "list", group, "One a line.", platform=platform, most=10),
        )
    )  # fmt: skip


_ANDROID: Final = (
    FieldRow(
        "mode",
        "Drawn by",
        "choice",
        ANDROID,
        "The system draws it even when the app is stopped; the app can draw buttons, and reports the delivery.",
        platform=ANDROID,
        options=(("notification", "The system"), ("data", "The app (data message)")),
        fallback="The system",
    ),
    FieldRow(
        "channel_id",
        "Channel",
        "name",
        ANDROID,
        "Must exist in your app.",
        "promo",
        platform=ANDROID,
        absent=dict.fromkeys((IOS, WEB), _ONLY_ANDROID),
    ),
    FieldRow(
        "visibility",
        "On the lock screen",
        "choice",
        ANDROID,
        platform=ANDROID,
        options=(
            ("public", "Shown"),
            ("private", "Content hidden"),
            ("secret", "Not there at all"),
        ),
        fallback="As the channel says",
        absent={IOS: "On iPhones the person decides.", WEB: "Browsers cannot say."},
    ),
    FieldRow(
        "notification_priority",
        "Notification priority",
        "choice",
        ANDROID,
        "Where channels are not yet known (Android 7 and older).",
        platform=ANDROID,
        options=(("min", "Least"), ("low", "Low"), ("default", "Default"), ("high", "High"), ("max", "Highest")),
        fallback="Default",
    ),
    FieldRow("icon", "Small icon", "name", "android_looks", "A drawable in your app.", "ic_sale", platform=ANDROID),
    FieldRow(
        "color", "Accent colour", "colour", "android_looks", "Of the small icon.", theme.NEUTRAL, platform=ANDROID
    ),
    FieldRow(
        "vibrate_ms",
        "Vibration",
        "pattern",
        "android_looks",
        "Milliseconds: wait, shake, wait, shake …",
        "0, 250, 100, 250",
        platform=ANDROID,
        most=20,
    ),
    FieldRow("light", "Light", "light", "android_looks", "Of phones that have one.", platform=ANDROID),
    FieldRow(
        "ticker",
        "Ticker",
        "words",
        "android_looks",
        "Read out by screen readers; seen in the status bar before Android 5.",
        platform=ANDROID,
    ),
    FieldRow(
        "sticky",
        "Stays after a tap",
        "switch",
        "android_looks",
        "It goes only when swiped away.",
        platform=ANDROID,
        fallback=False,
    ),
    FieldRow(
        "local_only",
        "Only on this phone",
        "switch",
        "android_looks",
        "Not shown on a watch as well.",
        platform=ANDROID,
        fallback=False,
    ),
    FieldRow(
        "click_action", "Click action", "name", "android_app", "The intent filter of the activity.", platform=ANDROID
    ),
    FieldRow(
        "restricted_package_name",
        "Only for the package",
        "name",
        "android_app",
        "Where several of your apps share a project.",
        "com.example.shop",
        platform=ANDROID,
    ),
    FieldRow(
        "direct_boot_ok",
        "Before the first unlock",
        "switch",
        "android_app",
        "For apps that run before the phone is unlocked.",
        platform=ANDROID,
        fallback=False,
    ),
    FieldRow("analytics_label", "Analytics label", "name", "android_app", "In Firebase's reports.", platform=ANDROID),
)

_WEB: Final = (
    FieldRow("icon", "Icon", "picture", WEB, "In place of the site's own.", "https://…", platform=WEB),
    FieldRow(
        "badge_icon", "Small icon", "picture", WEB, "One colour, for Android's status bar.", "https://…", platform=WEB
    ),
    FieldRow(
        "require_interaction",
        "Stay until dismissed",
        "switch",
        WEB,
        "Chrome and Edge on a desktop keep it on screen.",
        platform=WEB,
        fallback=False,
        absent=dict.fromkeys((IOS, ANDROID), _ONLY_WEB),
    ),
    FieldRow(
        "renotify",
        "Sound again when replaced",
        "switch",
        WEB,
        "When it replaces one with the same collapse key.",
        platform=WEB,
        fallback=False,
    ),
    FieldRow("muted", "Muted", "switch", WEB, "Shown without sound or vibration.", platform=WEB, fallback=False),
    FieldRow(
        "urgency",
        "Urgency",
        "choice",
        WEB,
        platform=WEB,
        options=(
            ("very-low", "Very low: on power and Wi-Fi"),
            ("low", "Low"),
            ("normal", "Normal"),
            ("high", "High: wakes the device"),
        ),
        fallback="By the campaign's priority",
    ),
    FieldRow(
        "dir",
        "Direction of the text",
        "choice",
        WEB,
        platform=WEB,
        options=(("auto", "As the browser sees it"), ("ltr", "Left to right"), ("rtl", "Right to left")),
        fallback="As the browser sees it",
    ),
    FieldRow(
        "vibrate_ms",
        "Vibration",
        "pattern",
        WEB,
        "Milliseconds: shake, wait, shake … On Android only.",
        "250, 100, 250",
        platform=WEB,
        most=20,
    ),
)

FIELDS: Final = (
    *_WORDS,
    *_OPENS,
    *_SOUND,
    *_TOGETHER,
    *_DELIVERY,
    *_DATA,
    *_IOS,
    *_texts_of_the_app(IOS),
    *_ANDROID,
    *_texts_of_the_app(ANDROID),
    *_WEB,
)


def table() -> dict[str, Any]:
    """The groups and their fields, as the form in the browser takes them."""
    return {
        "groups": [asdict(group) for group in GROUPS],
        "fields": [{key: value for key, value in asdict(row).items() if value is not None} for row in FIELDS],
    }
