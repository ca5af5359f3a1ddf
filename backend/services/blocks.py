"""Blocks: texts that contents share by `{{ block.NAME }}`, each in its languages.

A draft reads a block as it is now. A launch puts its text into the revision, which never changes afterwards.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from backend.db import Work
from backend.domain import content as rules
from backend.domain.content import clean
from backend.domain.vocabulary import Platform
from backend.errors import Conflict, FieldError, Invalid, NotFound
from backend.models import ContentBlock
from backend.queries import accounts
from backend.queries import blocks as queries
from backend.services import audit, content_uses, ids, page, rendering
from backend.services import template_engine as engine
from backend.services.composed import Composed, Inset, written
from backend.services.page import Page
from backend.services.segment_uses import Use

MAX_LOCALES: Final = 100
MAX_BLOCKS: Final = 500
_PLATFORMS: Final = frozenset(Platform)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A block as it is now; `locales` has its text in other languages."""

    id: str
    name: str
    text: str
    locales: Mapping[str, str]
    created_at: datetime
    updated_at: datetime
    updated_by: str


def create(work: Work, name: str, text: str, locales: Mapping[str, str] | None = None) -> BlockRow:
    """A new block. Raises `Invalid` naming each wrong field (`locales.pl`), `Conflict` for a name that is taken."""
    if not _NAME.fullmatch(name):
        raise Invalid("name", "must be 1 to 64 of a-z, 0-9 and _, beginning with a letter")
    said = _checked(text, locales or {})
    if len(queries.every(work.session, work.app_id, MAX_BLOCKS)) >= MAX_BLOCKS:
        raise Conflict(f"An app has at most {MAX_BLOCKS} blocks.")
    block = ContentBlock(
        app_id=work.app_id,
        name=name,
        text=said[""],
        locales={tag: one for tag, one in said.items() if tag},
        created_at=work.now,
        updated_at=work.now,
        updated_by=str(work.actor)[:400],
    )
    if not accounts.added(work.session, block):
        raise Conflict(f"There is already a block {name!r}.")
    row = _row(work, block)
    audit.record(work, "block.created", row.id, name=name)
    return row


def save(work: Work, block_id: str, *, text: str | None = None, locales: Mapping[str, str] | None = None) -> BlockRow:
    """Another text, for all drafts that call it; `locales` takes the place of all other languages. The name stays."""
    block = _find(work, block_id)
    said = _checked(block.text if text is None else text, block.locales if locales is None else locales)
    block.text, block.locales = said[""], {tag: one for tag, one in said.items() if tag}
    block.updated_at, block.updated_by = work.now, str(work.actor)[:400]
    work.session.flush()
    audit.record(work, "block.changed", block_id, name=block.name)
    return _row(work, block)


def get(work: Work, block_id: str) -> BlockRow:
    """A block of the app. Raises `NotFound`."""
    return _row(work, _find(work, block_id))


def listing(work: Work, *, search: str = "", cursor: str | None = None, limit: int = 50) -> Page[BlockRow]:
    """The app's blocks, newest first."""
    found = queries.listing(work.session, work.app_id, clean(search), page.after(work, cursor), page.checked(limit))
    return page.page(work, found, limit, lambda block: block.id or 0, lambda block: _row(work, block))


def every(work: Work) -> tuple[BlockRow, ...]:
    """All blocks of the app, by name."""
    return tuple(_row(work, one) for one in queries.every(work.session, work.app_id, MAX_BLOCKS))


def uses(work: Work, block_id: str) -> tuple[Use, ...]:
    """The campaigns that have yet to end, and the templates, that call a block. Raises `NotFound`."""
    return all_uses(work).get(_find(work, block_id).name, ())


def all_uses(work: Work) -> dict[str, tuple[Use, ...]]:
    """Every use of the app's blocks, by the name of the block used."""
    return content_uses.of_blocks(work)


def delete(work: Work, block_id: str) -> None:
    """Removes a block. Raises `Conflict` while a campaign that has yet to end or a template calls it."""
    block = _find(work, block_id)
    users = [f"the {use.kind} {use.name!r}" for use in all_uses(work).get(block.name, ())]
    if users:
        raise Conflict(f"“{block.name}” is still used by {', '.join(users[:3])}.")
    work.session.delete(block)
    work.session.flush()
    audit.record(work, "block.deleted", block_id, name=block.name)


def expand(work: Work, content: Mapping[str, Any], path: str = "content") -> dict[str, Any]:
    """The content with the blocks' texts in the place of their names, each layer in its own language.

    Raises `Invalid` naming the field and the place (below `path`) of a block that is not there or does not fit.
    """
    called = {use.path[1] for _, text in rendering.texts(content, path) for use in engine.blocks(text)}
    if not called:
        return dict(content)
    known = {one.name: one for one in queries.named(work.session, work.app_id, called)}
    filled = _Filled(known, [])
    made = filled.layer(content, "", path)
    if filled.problems:
        raise Invalid(filled.problems)
    return made


@dataclass(frozen=True, slots=True)
class _Filled:
    """One walk over a content's layers; `problems` are gathered on the way."""

    known: Mapping[str, ContentBlock]
    problems: list[FieldError]

    def layer(self, layer: Mapping[str, Any], language: str, path: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, value in layer.items():
            where = f"{path}.{name}"
            if name == "locales":
                made[name] = {tag: self.layer(one, tag, f"{where}.{tag}") for tag, one in value.items()}
            elif name in _PLATFORMS:
                made[name] = self.layer(value, language, where)
            else:
                made[name] = self._value(value, language, where)
        return made

    def _value(self, value: Any, language: str, path: str) -> Any:
        if isinstance(value, str):
            return self._text(value, language, path)
        if isinstance(value, list):
            return [self._value(one, language, f"{path}[{index}]") for index, one in enumerate(value)]
        if isinstance(value, dict):
            return {name: self._value(one, language, f"{path}.{name}") for name, one in value.items()}
        return value

    def _text(self, text: str, language: str, path: str) -> str:
        called = engine.blocks(text)
        missing = [use for use in called if use.path[1] not in self.known]
        for use in missing:
            self.problems.append(FieldError(path, f"there is no block {use.path[1]!r}", use.at, use.length))
        if missing or not called:
            return text
        made = _put_in(text, [(use, _said(self.known[use.path[1]], language)) for use in called])
        if wrong := _too_long(made) or _broken(made):
            self.problems.append(FieldError(path, f"with its blocks {wrong[0]}", *(wrong[1] or (0, len(text)))))
        return made


def _put_in(text: str, called: list[tuple[engine.Use, str]]) -> Composed:
    parts: list[str] = []
    insets: list[Inset] = []
    after, length = 0, 0
    for use, said in called:
        before = text[after : use.at]
        before = before.rstrip() if text.startswith("{{-", use.at) else before
        after = use.at + use.length
        start = length + len(before)
        length = start + len(said)
        parts += (before, said)
        insets.append(Inset(start, length, use.at, after))
    return Composed("".join([*parts, text[after:]]), tuple(insets))


def _said(block: ContentBlock, language: str) -> str:
    """The block's text in that language, or a wider form of it; else the text that all languages have."""
    return next((block.locales[tag] for tag in rules.widening(language) if tag in block.locales), block.text)


def _checked(text: str, locales: Mapping[str, str]) -> dict[str, str]:
    """The texts by language, the first of them ("") for all others."""
    problems: list[FieldError] = []
    if len(locales) > MAX_LOCALES:
        raise Invalid("locales", f"has more than {MAX_LOCALES} entries")
    said: dict[str, str] = {}
    for tag, one in (("", text), *locales.items()):
        field = f"locales.{tag[:40]}" if said else "text"
        try:
            normal = rules.normal_tag(tag) if said else ""
        except ValueError as error:
            problems.append(FieldError(field, str(error)))
            continue
        if normal in said:
            problems.append(FieldError(field, f"says {normal} a second time"))
        said[normal] = clean(one)
        problems += _problems(said[normal], field)
    if problems:
        raise Invalid(problems)
    return said


def _problems(text: str, field: str) -> list[FieldError]:
    if not text.strip():
        return [FieldError(field, "must not be empty")]
    if long := _too_long(text):
        return [FieldError(field, long[0])]
    if called := engine.blocks(text):
        return [FieldError(field, "a block calls no other block", called[0].at, called[0].length)]
    wrong = rendering.syntax_problem(text, field)
    return [wrong] if wrong else []


def _too_long(text: str) -> tuple[str, None] | None:
    """What is wrong, and nowhere in particular."""
    fits = len(text.encode("utf-8", "replace")) <= engine.MAX_SOURCE
    return None if fits else (f"is longer than {engine.MAX_SOURCE} bytes", None)


def _broken(text: Composed) -> tuple[str, tuple[int | None, int | None]] | None:
    """What is wrong, and where in the text as it was written."""
    try:
        engine.refuse(text)
    except engine.SyntaxProblem as error:
        return f"cannot be read: {error.problem}", written(text, error.at, error.length)
    return None


def _find(work: Work, block_id: str) -> ContentBlock:
    block = queries.find(work.session, work.app_id, ids.number(work, ids.BLOCK, block_id))
    if block is None:
        raise NotFound(f"There is no block {block_id}.")
    return block


def _row(work: Work, block: ContentBlock) -> BlockRow:
    return BlockRow(
        id=ids.public(work, ids.BLOCK, block.id or 0),
        name=block.name,
        text=block.text,
        locales=block.locales,
        created_at=block.created_at,
        updated_at=block.updated_at,
        updated_by=block.updated_by,
    )
