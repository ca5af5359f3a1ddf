"""Content with variables: checked at save, filled in for one device."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from backend.domain import content as rules
from backend.domain.message import Action, Message
from backend.domain.vocabulary import Platform, Priority
from backend.errors import FieldError, TemplateError
from backend.services import template_engine as engine
from backend.services.composed import written
from backend.services.template_filling import Filling

DEFAULT_TTL = 86_400
MAX_COLLAPSE_KEY = 64


@dataclass(frozen=True, slots=True)
class Links:
    """Where an app's pushes may lead beside http and https (no `schemes`: anywhere harmless), and where a browser's
    push leads that names no link."""

    schemes: frozenset[str] = frozenset()
    website: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a message carries beside its content: who it is, its proof, the instant it counts from, its app's links."""

    m: str
    t: str
    identity: str
    now: datetime
    priority: Priority = Priority.NORMAL
    links: Links = field(default=Links())


def user_variables(attributes: Mapping[str, Any], profile: Mapping[str, Any]) -> dict[str, Any]:
    """`user.*`: the attributes and the profile; what the profile knows wins."""
    return {**attributes, **{name: value for name, value in profile.items() if value is not None}}


def render(
    wording: rules.Wording,
    *,
    platform: Platform,
    locales: tuple[str, ...],
    variables: Mapping[str, Any],
    envelope: Envelope,
) -> Message:
    """The message for one device, in the first of `locales` that the wording speaks.

    `variables` holds `user`, `device`, `event`, `data` and `app`. Raises `TemplateError` naming the
    field that cannot be filled in or is not usable when filled in.
    """
    resolved, locale = wording.on(platform, locales)
    filling = _Filling(variables, locale, envelope.links.schemes)
    message = _message(resolved, filling, envelope, platform, locale)
    if not (message.silent or message.title or message.body or _has_key(message.options)):
        raise TemplateError("body", "is empty: a push that is not silent needs a title or a body")
    return message


class _Filling:
    """The variables of one message; Jinja's side of them is made when the first field needs it."""

    __slots__ = ("_context", "_locale", "_schemes", "_variables")

    def __init__(self, variables: Mapping[str, Any], locale: str, schemes: frozenset[str]) -> None:
        self._variables, self._locale, self._schemes = variables, locale, schemes
        self._context: Filling | None = None

    def text(self, value: str | None, field: str) -> str:
        """The filled-in field, cleaned. Raises `TemplateError`."""
        if not value or not engine.is_template(value):
            return rules.clean(value) if value else ""
        return rules.clean(self.raw(value, field))

    def raw(self, value: str, field: str) -> str:
        if self._context is None:
            self._context = engine.context(self._variables, self._locale)
        try:
            return engine.fill(value, self._context)
        except (engine.FillProblem, engine.SyntaxProblem) as error:
            raise TemplateError(field, str(error), *written(value, error.at, error.length)) from error

    def link(self, value: str | None, field: str, *, image: bool = False) -> str | None:
        """A filled-in address, None when it comes out empty; judged before anything is cleaned away."""
        if not value:
            return None
        link = self.raw(value, field).strip() if engine.is_template(value) else value
        if not link:
            return None
        wrong = rules.image_problem(link) if image else rules.link_problem(link, self._schemes)
        if wrong:
            raise TemplateError(field, wrong)
        return link

    def deep(self, value: Any, field: str) -> Any:
        """A platform's option with every text in it filled in."""
        if isinstance(value, str):
            return self.text(value, field)
        if isinstance(value, list):
            return [self.deep(item, f"{field}[{index}]") for index, item in enumerate(value)]
        if isinstance(value, dict):
            return {name: self.deep(item, f"{field}.{name}") for name, item in value.items()}
        return value


def _message(
    resolved: Mapping[str, Any], filling: _Filling, envelope: Envelope, platform: Platform, locale: str
) -> Message:
    ttl = resolved.get("ttl_seconds")
    ttl = DEFAULT_TTL if ttl is None else ttl
    actions = enumerate(resolved.get("actions") or ())
    data = resolved.get("data") or {}
    return Message(
        platform=platform,
        m=envelope.m,
        t=envelope.t,
        identity=envelope.identity,
        expires_at=envelope.now + timedelta(seconds=ttl),
        ttl_seconds=ttl,
        title=filling.text(resolved.get("title"), "title"),
        subtitle=filling.text(resolved.get("subtitle"), "subtitle"),
        body=filling.text(resolved.get("body"), "body"),
        image=filling.link(resolved.get("image"), "image", image=True),
        link=filling.link(resolved.get("link"), "link") or _website(envelope.links, platform),
        actions=tuple(_action(action, filling, f"actions[{index}]") for index, action in actions),
        data={name: filling.text(value, f"data.{name}") for name, value in data.items()},
        badge=resolved.get("badge"),
        sound=resolved.get("sound"),
        silent=bool(resolved.get("silent")),
        collapse_key=_collapse_key(resolved, filling),
        thread=filling.text(resolved.get("thread"), "thread") or None,
        priority=envelope.priority,
        locale=locale,
        options=filling.deep(resolved["options"], platform),
    )


def _action(action: Mapping[str, Any], filling: _Filling, field: str) -> Action:
    title = filling.text(action["title"], f"{field}.title")
    if not title:
        raise TemplateError(f"{field}.title", "is empty: a button needs a title")
    link = filling.link(action.get("link"), f"{field}.link")
    return Action(action["id"], title, link, filling.link(action.get("icon"), f"{field}.icon", image=True))


def _website(links: Links, platform: Platform) -> str | None:
    """A browser's push without a link is no declarative one: Safari would not show it."""
    return links.website if platform is Platform.WEB else None


def _collapse_key(resolved: Mapping[str, Any], filling: _Filling) -> str | None:
    key = filling.text(resolved.get("collapse_key"), "collapse_key")
    if len(key.encode()) > MAX_COLLAPSE_KEY:
        raise TemplateError("collapse_key", f"is longer than {MAX_COLLAPSE_KEY} bytes")
    return key or None


def _has_key(options: Mapping[str, Any]) -> bool:
    """Whether the app itself brings the words, by the key of a text in its own resources."""
    return bool(options.get("title_loc_key") or options.get("body_loc_key"))


def content_problems(content: Mapping[str, Any], path: str = "content") -> list[FieldError]:
    """Every text in any layer of the content that is not in the template language."""
    return [wrong for place, text in texts(content, path) if (wrong := syntax_problem(text, place))]


def syntax_problem(text: str, field: str) -> FieldError | None:
    """Why a text is not in the template language, and where; None when it is."""
    try:
        engine.refuse(text)
    except engine.SyntaxProblem as error:
        return FieldError(field, str(error), error.at, error.length)
    return None


def texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text in any layer of a content, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from texts(item, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from texts(item, f"{path}[{index}]")
