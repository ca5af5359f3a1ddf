"""The wording of a campaign or a template as the browser holds it, and how it goes back into a definition."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from backend.domain.content import chosen_locale, locale_chain
from backend.domain.vocabulary import Platform
from backend.errors import FieldError
from backend.services.audience_languages import AudienceLanguages
from backend.services.inspector import Preview
from console.rows.delivery_errors import sentence_of

PLATFORMS: Final = ("ios", "android", "web")
MAX_VARIANTS: Final = 20
EDITS: Final = 1_000_000
"""More changes than anybody makes in one revision."""


_PATH = re.compile(
    r"(?:variants\[(?P<variant>\d+)\]\.)?content(?:\.(?P<platform>ios|android|web)(?=\.|$))?"
    r"(?:\.locales\.(?P<language>[A-Za-z0-9-]+)(?=\.|$))?(?:\.(?P<field>.+))?"
)


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with a field of one layer. `at` and `length` are characters of what stands there, -1 and 0 where
    the whole field is meant."""

    variant: int = 0
    platform: str = ""
    language: str = ""
    field: str = ""
    message: str = ""
    at: int = -1
    length: int = 0


@dataclass(frozen=True, slots=True)
class Readers:
    """Devices that are set to the same languages, best first; none of them is the app's default one."""

    chain: tuple[str, ...]
    devices: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which languages an audience is set to, of how many devices."""

    devices: int = 0
    rows: tuple[Readers, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """What a browser sent of its draft: every variant's whole content, and which layer is open."""

    of: str = ""
    edit: int = 0
    variant: int = 0
    platform: str = ""
    language: str = ""
    names: tuple[str, ...] = ()
    contents: tuple[dict[str, Any], ...] = ()

    @property
    def content(self) -> dict[str, Any]:
        """The content of the open variant."""
        return self.contents[self.variant] if self.variant < len(self.contents) else {}


def draft_json(
    contents: Sequence[Mapping[str, Any]],
    names: Sequence[str] = ("A",),
    *,
    of: str = "",
    revision: int = 0,
    variant: int = 0,
    default_locale: str = "en",
) -> dict[str, Any]:
    """The draft as the browser holds it, open at a variant's words for all platforms in the default language.

    `of` is what it is a draft of: what was typed there is never taken for another's. `revision` tells the fields to
    take their texts anew; `edit` grows with it, so that an answer about an older draft is never taken for this one's.
    """
    return {
        "of": of,
        "revision": revision,
        "edit": revision * EDITS,
        "variant": variant,
        "platform": "",
        "language": "",
        "default_locale": default_locale,
        "names": list(names),
        "contents": [dict(content) for content in contents],
    }


def parse_draft(data: Any) -> Sent:
    """Reads what the browser sent. What has not the shape of a draft is left out; the contents themselves are
    judged where they are saved."""
    data = data if isinstance(data, Mapping) else {}
    rows = data.get("contents")
    contents = tuple(_said(row) for row in rows[:MAX_VARIANTS]) if isinstance(rows, list) else ()
    names = data.get("names")
    return Sent(
        of=str(data.get("of") or ""),
        edit=_number(data.get("edit")),
        variant=min(_number(data.get("variant")), max(len(contents) - 1, 0)),
        platform=data["platform"] if data.get("platform") in PLATFORMS else "",
        language=data["language"] if isinstance(data.get("language"), str) else "",
        names=tuple(str(name) for name in names[:MAX_VARIANTS]) if isinstance(names, list) else (),
        contents=contents,
    )


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _said(content: Any) -> dict[str, Any]:
    """A content without the buttons that are still being written: one has to have a text."""
    if not isinstance(content, Mapping):
        return {}
    return {name: _layer(name, value) for name, value in content.items()}


def _layer(name: str, value: Any) -> Any:
    if name == "actions" and isinstance(value, list):
        return [row for row in value if not isinstance(row, Mapping) or str(row.get("title") or "").strip()]
    if name in PLATFORMS and isinstance(value, Mapping):
        return _said(value)
    if name == "locales" and isinstance(value, Mapping):
        return {tag: _said(layer) for tag, layer in value.items()}
    return value


def problems_of(errors: Sequence[FieldError]) -> tuple[FieldProblem, ...]:
    """Where in the form each refusal belongs; what is about no content is left to others."""
    return tuple(found for error in errors if (found := _problem(error)) is not None)


def _problem(error: FieldError) -> FieldProblem | None:
    where = _PATH.fullmatch(error.field)
    if where is None:
        return None
    return FieldProblem(
        variant=int(where["variant"] or 0),
        platform=where["platform"] or "",
        language=where["language"] or "",
        field=where["field"] or "",
        message=sentence_of(error.message),
        at=-1 if error.at is None else error.at,
        length=error.length or 0,
    )


def filled_problems(sent: Sent, previews: Mapping[str, Preview]) -> tuple[FieldProblem, ...]:
    """What could not be filled in for one person, at its characters, in the layers that say those texts."""
    found = (
        _filled(sent, platform, preview.chain, error)
        for platform, preview in previews.items()
        for error in preview.problems
        if error.at is not None and not error.field.startswith("content")
    )
    return tuple(dict.fromkeys(found))


def _filled(sent: Sent, platform: str, chain: Sequence[str], error: FieldError) -> FieldProblem:
    field = error.field.removeprefix(f"{platform}.")
    said = _saying(sent.content, Platform(platform), tuple(chain), re.split(r"[.\[]", field)[0])
    at, length = error.at or 0, error.length or 0
    return FieldProblem(sent.variant, *said, field, sentence_of(error.message), at, length)


def _saying(content: Mapping[str, Any], platform: Platform, chain: tuple[str, ...], name: str) -> tuple[str, str]:
    """The platform and language of the layer from which a field comes, empty for all and the default one."""
    tags = [*locale_chain(chosen_locale(content, platform, chain)), ""]
    for section in (platform, ""):
        layers = (content.get(section) or {}) if section else content
        for tag in tags:
            if name in ((layers.get("locales") or {}).get(tag, {}) if tag else layers):
                return str(section), tag
    return "", ""


def coverage_of(found: AudienceLanguages) -> Coverage:
    return Coverage(found.devices, tuple(Readers(row.languages, row.devices) for row in found.readers))
