"""The content of a push as people and programs write it: every field typed, bounded and checked.

Overrides (a locale, a platform, a platform's locale) keep only what they were given, so that the rest
shows through from the layer below.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from backend.domain import content as rules
from backend.domain.vocabulary import Platform
from backend.errors import FieldError
from backend.services import template_engine as engine
from backend.services.rendering import DEFAULT_TTL, MAX_COLLAPSE_KEY
from backend.services.strict import Partial, Strict, read, refused

MAX_TTL = 2_419_200
MAX_DATA = 100
MAX_LOCALES = 100
_RESERVED = frozenset({"from", "message_type", "gcm", "m", "t", "aps", "link", "image", "actions"})
_RESERVED_PREFIXES = ("google", "gcm.")
_TEMPLATE_START = re.compile(r"\{[{%]")


def _checked(problem: Callable[[str], str | None]) -> AfterValidator:
    def check(text: str) -> str:
        try:
            wrong = problem(text)
        except engine.SyntaxProblem as error:
            raise refused(str(error), error.at, error.length) from error
        if wrong:
            raise refused(wrong)
        return text

    return AfterValidator(check)


def _cleaned(text: Any) -> Any:
    """Null is the empty text; what could not be shown goes."""
    return rules.clean(text) if isinstance(text, str) else "" if text is None else text


def _fillable(text: str) -> str | None:
    """Raises `SyntaxProblem` where the template language is broken."""
    if len(text.encode("utf-8")) > engine.MAX_SOURCE:
        return f"is longer than {engine.MAX_SOURCE} bytes"
    engine.refuse(text)
    return None


def _address(problem: Callable[[str], str | None], *, image: bool) -> Callable[[str], str | None]:
    """Judges the fixed part of an address now; one with variables is judged again when filled in."""

    def judge(text: str) -> str | None:
        variable = _TEMPLATE_START.search(text)
        if variable is None:
            return problem(text)
        fixed = text[: variable.start()]
        if wrong := _fillable(text):
            return wrong
        if image and not (fixed[:8].lower() == "https://" or "https://".startswith(fixed.lower())):
            return "must begin with https://"
        wrong = rules.link_problem(fixed + "x") if ":" in fixed else None
        return wrong if wrong and "must not" in wrong else None

    return judge


def _stripped(text: Any) -> Any:
    return (text.strip() or None) if isinstance(text, str) else text


def _plain(problem: Callable[[str], str | None]) -> Callable[[str], str | None]:
    """An address that is the same for everybody."""
    return lambda text: "takes no variables" if engine.is_template(text) else problem(text)


def _collapse_problem(key: str) -> str | None:
    if engine.is_template(key):
        return None
    return f"is longer than {MAX_COLLAPSE_KEY} bytes" if len(key.encode()) > MAX_COLLAPSE_KEY else None


def _data_key(key: str) -> str:
    if not key or len(key.encode("utf-8", "replace")) > 128 or rules.hides_characters(key):
        raise refused("a data key has 1 to 128 printable characters")
    if key in _RESERVED or key.startswith(_RESERVED_PREFIXES):
        raise refused(f"the data key {key!r} is reserved by a provider or by Tocsin")
    return key


def _data_value(value: Any) -> Any:
    """Providers carry texts only: numbers and true/false are written as JSON writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float) and abs(value) < 1e300:
        return str(value)
    if not isinstance(value, str):
        raise refused("must be a text, a number or true/false: providers carry nothing nested")
    return rules.clean(value)


def _tag(tag: str) -> str:
    try:
        return rules.normal_tag(tag)
    except ValueError as error:
        raise refused(str(error)) from error


def _distinct(actions: list["ActionIn"]) -> list["ActionIn"]:
    if len({action.id for action in actions}) < len(actions):
        raise refused("two buttons have the same id")
    return actions


Text = Annotated[str, BeforeValidator(_cleaned), _checked(_fillable)]
Words = Annotated[str, Field(max_length=200), AfterValidator(rules.clean), _checked(_fillable)]
Link = Annotated[str, Field(max_length=engine.MAX_SOURCE), _checked(_address(rules.link_problem, image=False))]
Image = Annotated[str, Field(max_length=engine.MAX_SOURCE), _checked(_address(rules.image_problem, image=True))]
FixedImage = Annotated[str, _checked(_plain(rules.image_problem))]
Blank = BeforeValidator(_stripped)
Name = Annotated[str, Field(pattern=r"^[\w][\w .:/-]{0,127}$")]
Resource = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$")]
Milliseconds = Annotated[int, Field(ge=0, le=60_000)]
Arguments = Annotated[list[Text], Field(max_length=10)]
Colour = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]


class ActionIn(Strict):
    """A button; `icon` is shown by browsers only."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    title: Annotated[Text, Field(min_length=1)]
    link: Annotated[Link | None, Blank] = None
    icon: FixedImage | None = None


class Fields(BaseModel):
    """What every layer may say. `ttl_seconds` is how long the provider may keep the push waiting."""

    title: Text = ""
    subtitle: Text = ""
    body: Text = ""
    image: Annotated[Image | None, Blank] = None
    link: Annotated[Link | None, Blank] = None
    actions: Annotated[list[ActionIn], Field(max_length=4), AfterValidator(_distinct)] = []
    data: Annotated[
        dict[
            Annotated[str, AfterValidator(_data_key)],
            Annotated[str, BeforeValidator(_data_value), _checked(_fillable)],
        ],
        Field(max_length=MAX_DATA),
    ] = {}
    badge: Annotated[int, Field(ge=0, le=99_999)] | None = None
    sound: Name | None = "default"
    silent: bool = False
    ttl_seconds: Annotated[int, Field(ge=0, le=MAX_TTL)] = DEFAULT_TTL
    collapse_key: Annotated[Words, _checked(_collapse_problem)] | None = None
    thread: Words | None = None


class LocaleContent(Partial, Fields):
    """What another language says differently."""


class IosFields(Partial, Fields):
    """What APNs alone can carry."""

    interruption_level: Literal["passive", "active", "time-sensitive", "critical"] | None = None
    relevance_score: Annotated[float, Field(ge=0, le=1)] | None = None
    action_category: Name | None = None
    critical_volume: Annotated[float, Field(ge=0, le=1)] | None = None
    mutable_content: bool | None = None
    content_available: bool | None = None
    target_content_id: Words | None = None
    filter_criteria: Words | None = None
    launch_image: Resource | None = None
    title_loc_key: Name | None = None
    title_loc_args: Arguments | None = None
    subtitle_loc_key: Name | None = None
    subtitle_loc_args: Arguments | None = None
    body_loc_key: Name | None = None
    body_loc_args: Arguments | None = None


class Light(Strict):
    """How a phone's light blinks."""

    color: Colour
    on_ms: Milliseconds
    off_ms: Milliseconds


class AndroidFields(Partial, Fields):
    """What FCM alone can carry; `mode` data hands the showing to the app, which can then report it."""

    mode: Literal["notification", "data"] | None = None
    channel_id: Name | None = None
    icon: Resource | None = None
    color: Colour | None = None
    visibility: Literal["private", "public", "secret"] | None = None
    notification_priority: Literal["min", "low", "default", "high", "max"] | None = None
    click_action: Name | None = None
    ticker: Words | None = None
    sticky: bool | None = None
    local_only: bool | None = None
    vibrate_ms: Annotated[list[Milliseconds], Field(max_length=20)] | None = None
    light: Light | None = None
    direct_boot_ok: bool | None = None
    restricted_package_name: Name | None = None
    analytics_label: Annotated[str, Field(pattern=r"^[a-zA-Z0-9\-_.~%]{1,50}$")] | None = None
    title_loc_key: Name | None = None
    title_loc_args: Arguments | None = None
    body_loc_key: Name | None = None
    body_loc_args: Arguments | None = None


class WebFields(Partial, Fields):
    """What browsers alone can show. `badge_icon` is the small monochrome picture, `badge` the count."""

    require_interaction: bool | None = None
    renotify: bool | None = None
    icon: FixedImage | None = None
    badge_icon: FixedImage | None = None
    dir: Literal["auto", "ltr", "rtl"] | None = None
    urgency: Literal["very-low", "low", "normal", "high"] | None = None
    vibrate_ms: Annotated[list[Milliseconds], Field(max_length=20)] | None = None
    muted: bool | None = None


Tag = Annotated[str, AfterValidator(_tag)]


class Ios(IosFields):
    """iPhones and iPads."""

    locales: Annotated[dict[Tag, IosFields], Field(max_length=MAX_LOCALES)] = {}


class Android(AndroidFields):
    """Android phones."""

    locales: Annotated[dict[Tag, AndroidFields], Field(max_length=MAX_LOCALES)] = {}


class Web(WebFields):
    """Browsers."""

    locales: Annotated[dict[Tag, WebFields], Field(max_length=MAX_LOCALES)] = {}


class Content(Strict, Fields):
    """All layers of one wording."""

    locales: Annotated[dict[Tag, LocaleContent], Field(max_length=MAX_LOCALES)] = {}
    ios: Ios = Ios()
    android: Android = Android()
    web: Web = Web()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.model_dump_json()) > 256_000:
            raise refused("is larger than 256 000 bytes in all its languages")
        return self


def parse_content(data: Mapping[str, Any], path: str = "content") -> dict[str, Any]:
    """The canonical form of one content. Raises `Invalid` with paths below `path`."""
    return read(Content, data, path).model_dump(mode="json")


def wordless(content: Mapping[str, Any], path: str = "content") -> list[FieldError]:
    """The platforms and languages in which the content would show nothing."""
    spoken = [content, *(content[platform] for platform in Platform)]
    tags = dict.fromkeys(["", *(tag for layer in spoken for tag in layer.get("locales") or ())])
    silent_on = [
        " ".join(filter(None, [platform, tag]))
        for platform in Platform
        for tag in tags
        if not _has_words(rules.resolve(content, platform, (tag,) if tag else ()))
    ]
    if not silent_on:
        return []
    where = "" if len(silent_on) == len(tags) * len(Platform) else f" ({', '.join(silent_on[:5])})"
    return [FieldError(f"{path}.body", f"needs a title or a body, unless the push is silent{where}")]


def _has_words(resolved: Mapping[str, Any]) -> bool:
    options = resolved["options"]
    words = (resolved["silent"], resolved["title"], resolved["body"])
    return any(words) or bool(options.get("title_loc_key") or options.get("body_loc_key"))
