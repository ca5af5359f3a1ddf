"""What single fields of a content cannot tell: fields that go wrong together, and links that the app does not allow."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from backend.domain import content as rules
from backend.domain.vocabulary import Platform
from backend.errors import FieldError

CARRIED: Final = (
    "title", "subtitle", "body", "image", "link", "actions", "tag", "thread", "channel_id", "sound", "badge",
)  # fmt: skip
"""What an Android push in data mode carries under these names: data of the same name would be lost."""
_ARGUMENTS: Final = ("title_loc_args", "subtitle_loc_args", "body_loc_args")
_FIXED_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def problems(content: Mapping[str, Any], schemes: frozenset[str], path: str) -> list[FieldError]:
    """Every one in any layer, in the order of the layers."""
    found = [*_link_problems(content, schemes, path), *_together(content, path)]
    return list(dict.fromkeys(found))


def _link_problems(content: Mapping[str, Any], schemes: frozenset[str], path: str) -> Iterator[FieldError]:
    for where, layer in rules.layers(content, path):
        named = {"link": layer.get("link")}
        named |= {f"actions[{index}].link": one.get("link") for index, one in enumerate(layer.get("actions") or ())}
        for field, link in named.items():
            if link and (wrong := _scheme_problem(link, schemes)):
                yield FieldError(f"{where}.{field}", wrong)


def _scheme_problem(link: str, schemes: frozenset[str]) -> str | None:
    """Of a link with variables as far as its scheme is written out."""
    fixed = link.partition("{{")[0].partition("{%")[0]
    if fixed == link:
        return rules.link_problem(link, schemes)
    scheme = _FIXED_SCHEME.match(fixed)
    return rules.link_problem(f"{scheme[0]}//x", schemes) if scheme else None


def _together(content: Mapping[str, Any], path: str) -> Iterator[FieldError]:
    for platform in Platform:
        tags = [*(content.get("locales") or ()), *((content.get(platform) or {}).get("locales") or ())]
        for tag in dict.fromkeys(["", *tags]):
            said = rules.resolve(content, platform, (tag,) if tag else ())
            yield from _loc_problems(content, said["options"], platform, tag, path)
            if platform is Platform.ANDROID:
                yield from _data_problems(content, said, tag, path)


def _loc_problems(
    content: Mapping[str, Any], options: Mapping[str, Any], platform: Platform, tag: str, path: str
) -> Iterator[FieldError]:
    for name in _ARGUMENTS:
        key = name.replace("_args", "_key")
        if options.get(name) and not options.get(key):
            where = _where(content, platform, tag, path, name)
            yield FieldError(f"{where}.{name}", f"needs a {key}: they are put into the app's own text of that name")


def _data_problems(content: Mapping[str, Any], said: Mapping[str, Any], tag: str, path: str) -> Iterator[FieldError]:
    if said["options"].get("mode") != "data" or said.get("silent"):
        return
    for key in said.get("data") or ():
        if key in CARRIED:
            where = _where(content, Platform.ANDROID, tag, path, "data", key)
            yield FieldError(f"{where}.data.{key}", f"is taken: in Android's data mode the push's own {key} is there")


def _where(content: Mapping[str, Any], platform: Platform, tag: str, path: str, *names: str) -> str:
    """The path of the uppermost layer that says this, for a device of that platform and language."""
    spoken = rules.widening(tag)
    section = content.get(platform) or {}
    above = [
        *((f"{path}.{platform}.locales.{one}", (section.get("locales") or {}).get(one)) for one in spoken),
        (f"{path}.{platform}", section),
        *((f"{path}.locales.{one}", (content.get("locales") or {}).get(one)) for one in spoken),
    ]
    return next((where for where, layer in above if _says(layer, *names)), path)


def _says(layer: Any, *names: str) -> bool:
    for name in names:
        if not isinstance(layer, Mapping) or name not in layer:
            return False
        layer = layer[name]
    return True
