"""What a push says, for one device: the layers of a campaign's content, and text that is safe to show."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from backend.domain.vocabulary import Platform

FIELDS = frozenset(
    {
        "title", "subtitle", "body", "image", "link", "actions", "data", "badge", "sound",
        "silent", "ttl_seconds", "collapse_key", "thread",
    }
)  # fmt: skip
"""The fields that any layer may carry; what else a platform's section holds is the platform's own."""

_SECTIONS = frozenset({"locales", *Platform})
_TAG = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
REFUSED_SCHEMES = frozenset(
    {"javascript", "data", "vbscript", "file", "blob", "intent", "content", "filesystem", "about", "view-source"}
)
WEB_SCHEMES = frozenset({"http", "https"})
LONGEST_LINK = 2048
_UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)


def clean(text: str) -> str:
    """The text without what cannot or must not be shown, the same at save, in a preview and at send.

    Control characters, byte-order marks and the bidirectional embeddings, overrides and isolates go
    (they can make a text read as another one); line ends become `\\n`; a half of a surrogate pair,
    which no encoding can carry, becomes U+FFFD. Joiners and direction marks, which emoji and
    right-to-left scripts need, stay.
    """
    if _UNSHOWN.search(text) is None:
        return text
    return _UNSHOWN.sub(_shown, text.replace("\r\n", "\n"))


def _shown(match: re.Match[str]) -> str:
    character = match[0]
    if character in "\r\u2028\u2029\x85":
        return "\n"
    return "\ufffd" if "\ud800" <= character <= "\udfff" else ""


def hides_characters(text: str) -> bool:
    """Whether `clean` would change it: such a text is no link and no key."""
    return _UNSHOWN.search(text) is not None


@lru_cache(maxsize=4096)
def link_problem(link: str, schemes: frozenset[str] = frozenset()) -> str | None:
    """What is wrong with where a push leads to, None when nothing is.

    Any app's own scheme may be opened; the ones that run code, read files or, like Android's
    `intent:`, start any component of the phone may not. Where `schemes` are given, only they and the web's.
    """
    scheme = _SCHEME.match(link)
    if hides_characters(link) or "\n" in link or "\t" in link or len(link) > LONGEST_LINK:
        return f"is no link: it has control characters or more than {LONGEST_LINK} characters"
    if scheme is None:
        return "needs a scheme, such as https:// or your app's own myapp://"
    name = scheme[1].lower()
    if name in REFUSED_SCHEMES:
        return f"must not be a {name}: link"
    if name in WEB_SCHEMES:
        return None if _host(link) else "has no host"
    if schemes and name not in schemes:
        return f"must not be a {name}: link: this app allows https, {', '.join(sorted(schemes))}"
    return None


def image_problem(image: str) -> str | None:
    """What is wrong with a picture's address, None when nothing is: phones load https only."""
    wrong = link_problem(image)
    return wrong or (None if image[:8].lower() == "https://" else "must begin with https://")


def _host(link: str) -> str | None:
    try:
        return urlsplit(link).hostname
    except ValueError:
        return None


def normal_tag(tag: str) -> str:
    """A language tag in its usual spelling: `pt_br` is `pt-BR`. Raises `ValueError` for anything else."""
    if len(tag) > 35 or _TAG.fullmatch(tag) is None:
        raise ValueError(f"{tag[:40]!r} is not a language tag such as pl or pt-BR")
    language, *rest = re.split("[-_]", tag)
    return "-".join([language.lower(), *map(_subtag, rest)])


def _subtag(part: str) -> str:
    """Regions in capitals, scripts with one, the rest small (RFC 5646, section 2.1.1)."""
    if len(part) == 2 and part.isalpha():
        return part.upper()
    return part.title() if len(part) == 4 and part.isalpha() else part.lower()


@lru_cache(maxsize=4096)
def locale_chain(
    device_locale: str | None, user_language: str | None = None, default_locale: str | None = None
) -> tuple[str, ...]:
    """The languages to try, best first, each followed by its wider forms: `pl-PL, pl, en`.

    It ends with the default one, which every content speaks: what a person would like less is not asked for any more.
    A tag that cannot be read is left out: devices report what they like.
    """
    found: dict[str, None] = {}
    base = widening(default_locale or "")
    for tag in (*widening(device_locale or ""), *widening(user_language or "")):
        if tag in base:
            return (*found, *base[base.index(tag) :])
        found[tag] = None
    return (*found, *base)


@lru_cache(maxsize=1024)
def widening(tag: str) -> tuple[str, ...]:
    """`zh-Hant-TW`, `zh-Hant`, `zh`; nothing for an unreadable tag."""
    try:
        parts = normal_tag(tag).split("-")
    except ValueError:
        return ()
    return tuple("-".join(parts[:length]) for length in range(len(parts), 0, -1))


def chosen_locale(content: Mapping[str, Any], platform: Platform, locales: Sequence[str]) -> str:
    """The language that this device reads: the first of its chain that the content speaks.

    When it speaks none, the base text stands, which is in the app's default language: the last of
    the chain ("" for an empty one).
    """
    section = content.get(platform) or {}
    spoken = {*(content.get("locales") or ()), *(section.get("locales") or ())}
    return next((tag for tag in locales if tag in spoken), locales[-1] if locales else "")


def resolve(content: Mapping[str, Any], platform: Platform, locales: Sequence[str]) -> dict[str, Any]:
    """The content as one flat map: base < locale < platform < platform's locale.

    Maps merge, lists replace. Of the locales only the chosen language counts, with its wider forms
    below it, so that two languages never mix. The platform's own fields come under `options`.
    """
    section = content.get(platform) or {}
    tags = widening(chosen_locale(content, platform, locales))[::-1]
    resolved = {name: value for name, value in content.items() if name not in _SECTIONS}
    options: dict[str, Any] = {}
    for layer in (*_spoken(content, tags), section, *_spoken(section, tags)):
        for name, value in layer.items():
            if name not in _SECTIONS:
                _lay(resolved if name in FIELDS else options, name, value)
    return {**resolved, "options": options}


class Wording:
    """One variant's content, resolved once for each platform and chain of languages: they are few, devices many."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content
        self._resolved: dict[tuple[Platform, Sequence[str]], tuple[Mapping[str, Any], str]] = {}

    def on(self, platform: Platform, locales: tuple[str, ...]) -> tuple[Mapping[str, Any], str]:
        """What `resolve` makes of it, and the language that was chosen."""
        found = self._resolved.get((platform, locales))
        if found is None:
            found = resolve(self._content, platform, locales), chosen_locale(self._content, platform, locales)
            self._resolved[platform, locales] = found
        return found


def layers(content: Mapping[str, Any], path: str = "content") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The content itself, its languages, its platforms and their languages: all that may name a field, with paths."""
    for where, section in ((path, content), *((f"{path}.{one}", content.get(one) or {}) for one in Platform)):
        yield where, section
        for tag, layer in (section.get("locales") or {}).items():
            yield f"{where}.locales.{tag}", layer


def _spoken(layer: Mapping[str, Any], tags: Sequence[str]) -> list[Mapping[str, Any]]:
    locales = layer.get("locales")
    return [locales[tag] for tag in tags if tag in locales] if locales else []


def _lay(target: dict[str, Any], name: str, value: Any) -> None:
    below = target.get(name)
    target[name] = {**below, **value} if isinstance(below, dict) and isinstance(value, dict) else value
