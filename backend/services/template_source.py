"""Where everything stands in a template's source: Jinja's own lexer and parser, told by character.

Jinja counts lines. Here each token carries its offset in the place of its line, so that every node of the tree,
and every mistake, has a place in the text that a person wrote.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isinf
from typing import NamedTuple, NoReturn

from jinja2 import TemplateSyntaxError, nodes
from jinja2.lexer import Lexer, newline_re

MAX_BRACKETS = 30
_DIGITS = 40
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_JOINING = frozenset({".", "|", "is", "not"})
_LEXERS_OWN = re.compile(r" at \d+$")


class Piece(NamedTuple):
    """A token as it was written: from which character on, of what kind, and its text."""

    at: int
    kind: str
    text: str


class Place(NamedTuple):
    """A part of a source, in characters."""

    at: int
    length: int


@dataclass(frozen=True, slots=True)
class Use:
    """A name that a source calls: `path` are its parts (`data.order.id`), `at` and `length` where it stands."""

    path: tuple[str, ...]
    at: int
    length: int


class SyntaxProblem(ValueError):
    """A template that is not in the language; the message says what and where, `problem` only what.

    `at` and `length` say where in the source, if that is known.
    """

    def __init__(self, message: str, at: int | None = None, length: int | None = None) -> None:
        super().__init__(message if at is None else f"character {at + 1}: {message}")
        self.problem, self.at, self.length = message, at, length


class FillProblem(ValueError):
    """A template that cannot be filled in with these values; `at` and `length` say at which part, if that is known."""

    def __init__(self, message: str, at: int | None = None, length: int | None = None) -> None:
        super().__init__(message)
        self.at, self.length = at, length


def pieces(lexer: Lexer, source: str) -> Iterator[Piece]:
    """All tokens of a source. Raises `TemplateSyntaxError` with the offset in the place of the line."""
    at, depth, source = 0, 0, newline_re.sub("\n", source)
    try:
        for _, kind, text in lexer.tokeniter(source, None):
            at = source.index(text, at)  # white space that `-` takes away is not among the tokens
            if kind == "operator":
                depth += (text in _OPENING) - (text in _CLOSING)
            if depth > MAX_BRACKETS:
                _refuse("is nested too deeply", at)
            if kind in {"integer", "float"} and _too_large(kind, text):
                _refuse("a number is too large", at)
            yield Piece(at, kind, text)
            at += len(text)
    except TemplateSyntaxError as error:
        raise TemplateSyntaxError(_LEXERS_OWN.sub("", error.message or ""), at) from error


def _refuse(message: str, at: int) -> NoReturn:
    raise TemplateSyntaxError(message, at)


def _too_large(kind: str, digits: str) -> bool:
    """Python itself refuses to read integers of thousands of digits, and reads `1e999` as no number at all."""
    return len(digits) > _DIGITS or (kind == "float" and isinf(float(digits.replace("_", ""))))


def spoken(found: Sequence[Piece]) -> list[Piece]:
    """Without white space and text."""
    return [one for one in found if one.kind not in {"whitespace", "data"}]


def place(found: Sequence[Piece], node: nodes.Node) -> Place:
    """The part of the source that a node was read from; of a statement its first word."""
    offsets = sorted(_offsets(node))
    at, last = offsets[0], offsets[0 if isinstance(node, nodes.Stmt) else -1]
    depth, joined, end = 0, False, at
    for piece in found:
        if piece.at < at:
            continue
        if piece.at > last and depth <= 0 and not joined:
            break
        depth += (piece.text in _OPENING) - (piece.text in _CLOSING) if piece.kind == "operator" else 0
        joined, end = piece.text in _JOINING, piece.at + len(piece.text)
    return Place(at, end - at)


def _offsets(node: nodes.Node) -> Iterator[int]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.lineno is not None and not isinstance(one, nodes.Compare):  # of that Jinja notes where it ends
            yield one.lineno
        waiting.extend(one.iter_child_nodes())


def path(node: nodes.Node) -> tuple[str, ...] | None:
    """`("data", "order", "id")` of `data.order['id']`; up to the first part that is no fixed name. None of what is no name."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if not isinstance(node, nodes.Getattr | nodes.Getitem):
        return None
    before = path(node.node)
    if isinstance(node, nodes.Getattr):
        return before and (*before, node.attr)
    if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        return before and (*before, node.arg.value)
    return before


def uses(found: Sequence[Piece], tree: nodes.Node) -> Iterator[Use]:
    """Every name that the tree calls, each at its full length."""
    waiting: list[nodes.Node] = [tree]
    while waiting:
        node = waiting.pop()
        if called := path(node):
            yield Use(called, *place(found, node))
            waiting.extend(_items(node))
        else:
            waiting.extend(node.iter_child_nodes())


def _items(node: nodes.Node) -> Iterator[nodes.Node]:
    """What stands in the brackets of a name."""
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getitem):
            yield node.arg
        node = node.node


def blocks(found: Sequence[Piece]) -> Iterator[tuple[str, int, int]]:
    """Each `{{ block.NAME }}`: the name, and from where to where it stands."""
    told = spoken(found)
    for begin, word, dot, name, end in zip(told, told[1:], told[2:], told[3:], told[4:], strict=False):
        if (begin.kind, word.text, dot.text, end.kind) == ("variable_begin", "block", ".", "variable_end"):
            yield name.text, begin.at, end.at + len(end.text)
