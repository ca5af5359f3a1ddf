"""The template language: Jinja2, sandboxed and cut down to what cannot loop, call or grow.

A source is parsed, held against the closed list of syntax below, compiled and cached; filling it in
is bounded by its own length. Names reach mappings and lists only, never an attribute of an object,
so that nothing of Python is in reach whatever the sandbox may miss.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, TracebackType
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, Undefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.lexer import TokenStream
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from backend.services import template_source as sources
from backend.services.template_filling import (
    LONGEST,
    WORK,
    Absent,
    Filling,
    as_text,
    compare,
    joined,
    missing,
    number,
)
from backend.services.template_filters import FILTERS, TESTS
from backend.services.template_rules import BLOCK, MAX_DEPTH, VARIABLES, check, complete
from backend.services.template_source import FillProblem, Place, SyntaxProblem, Use

__all__ = [
    "BLOCK", "LONGEST", "MAX_DEPTH", "MAX_SOURCE", "VARIABLES", "FillProblem", "SyntaxProblem", "Use", "blocks",
    "compiled", "context", "fill", "is_template", "reads", "refuse",
]  # fmt: skip

MAX_SOURCE = 8192
_CACHED = 1024
_MARKED = re.compile(r"\{[{%]")


class _Missing(StrictUndefined):
    """A value that is not there; `user.address.city` is missing as a whole, so `default` can take its place."""

    __slots__ = ("_at",)

    def __init__(self, *_: Any, name: str | None = None, at: int | None = None) -> None:
        self._undefined_hint, self._undefined_obj, self._undefined_name, self._at = None, None, name, at

    @property
    def _undefined_exception(self) -> Callable[[str], Absent]:  # type: ignore[override]
        return lambda name: Absent(name, self._at)

    @property
    def _undefined_message(self) -> str:
        return str(self._undefined_name)


class _Generator(CodeGenerator):
    """Hands on where in the source a name stands, and lets no comparison go on without being paid for."""

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        self.write("environment.getattr(")
        self.visit(node.node, frame)
        self.write(f", {node.attr!r}, {node.lineno})")

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        self.write("environment.getitem(")
        self.visit(node.node, frame)
        self.write(", ")
        self.visit(node.arg, frame)
        self.write(f", {node.lineno})")

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        self.write("environment.compare(context, ")
        self.visit(node.expr, frame)
        for operand in node.ops:
            self.write(f", {operand.op!r}, ")
            self.visit(operand.expr, frame)
        self.write(")")


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = intercepted_unops = frozenset({"+", "-"})
    code_generator_class = _Generator
    compare = staticmethod(compare)

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        return TokenStream(self.lexer.wrap(sources.pieces(self.lexer, source)), None, None)

    def getattr(self, obj: Any, attribute: str, at: int | None = None) -> Any:
        """An entry of a map; null counts as missing."""
        if isinstance(obj, dict):
            value = obj.get(attribute)
            return _Missing(name=attribute, at=at) if value is None else value
        return obj if isinstance(obj, Undefined) else _Missing(name=attribute, at=at)

    def getitem(self, obj: Any, argument: Any, at: int | None = None) -> Any:
        """An entry of a map, or the n-th of a list."""
        if isinstance(argument, Undefined):
            raise missing(argument)
        if isinstance(obj, list | tuple) and type(argument) is int:
            found = obj[argument] if -len(obj) <= argument < len(obj) else None
            return _Missing(name=f"item {argument}", at=at) if found is None else found
        return self.getattr(obj, argument if isinstance(argument, str) else as_text(argument), at)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Sums of numbers and joined texts."""
        assert isinstance(context, Filling)
        return joined(context, left, right) if operator == "+" else number(left) - number(right)

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        """A number with its sign."""
        return -number(arg) if operator == "-" else number(arg)


def _environment() -> _Environment:
    made = _Environment(
        undefined=_Missing,
        finalize=as_text,
        autoescape=False,
        optimized=False,
        keep_trailing_newline=True,
        comment_start_string="{\x00",  # no text has one: comments are not part of the language
        comment_end_string="\x00}",
        cache_size=0,
    )
    made.globals, made.filters, made.tests = {}, dict(FILTERS), dict(TESTS)
    return made


_ENVIRONMENT = _environment()


@dataclass(frozen=True, slots=True)
class _Compiled:
    """`constant` is a text that reads no variable."""

    render: Callable[[Context], Iterator[str]]
    code: CodeType
    template: Template
    constant: bool


def context(variables: Mapping[str, Any], locale: str) -> Filling:
    """What the templates of one message read; `locale` is how filters know the language."""
    return Filling(_ENVIRONMENT, {name: variables.get(name) or {} for name in VARIABLES}, locale)


def is_template(text: str) -> bool:
    """Whether the text has anything to fill in."""
    return _MARKED.search(text) is not None


def fill(source: str, filling: Filling) -> str:
    """The text with its variables filled in. Raises `FillProblem`, or `SyntaxProblem` for a bad source."""
    made = compiled(source)
    filling.left = WORK
    try:
        text = _bounded(made.render(filling))
    except Absent as error:
        at, length = _place(source, error.at if error.at is not None else _reached(made, error))
        name = source[at : at + length] or str(error)
        raise FillProblem(f"{name} is not known here; add | default('…')", at, length) from error
    except (ValueError, TypeError, OverflowError, SecurityError) as error:
        raise FillProblem(str(error), *_place(source, _reached(made, error))) from error
    if len(text) * 4 > LONGEST and len(text.encode("utf-8", "replace")) > LONGEST:
        raise FillProblem(f"has more than {LONGEST} bytes when filled in", 0, len(source))
    return text


def _bounded(parts: Iterator[str]) -> str:
    """The parts put together; what has grown too long is not gone on with."""
    made = ""
    for part in parts:
        made += part
        if len(made) > LONGEST:
            raise ValueError(f"has more than {LONGEST} bytes when filled in")
    return made


def _reached(made: _Compiled, error: BaseException) -> int:
    """Up to which output or condition the template had come: the generated code knows its lines, which are offsets."""
    line, frame = 0, error.__traceback__
    while isinstance(frame, TracebackType):
        if frame.tb_frame.f_code is made.code:
            line = frame.tb_lineno
        frame = frame.tb_next
    return made.template.get_corresponding_lineno(line)


@lru_cache(maxsize=_CACHED)
def _place(source: str, at: int) -> Place:
    """The whole expression that begins at, or turns on, this character."""
    tree, found = _parsed(source)
    waiting: list[nodes.Node] = [tree]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, nodes.If) and node.lineno == at:
            return sources.place(found, node.test)
        if isinstance(node, nodes.Expr) and node.lineno == at:
            return sources.place(found, node)
        waiting.extend(node.iter_child_nodes())
    return Place(0, len(source))


def _parsed(source: str) -> tuple[nodes.Template, list[sources.Piece]]:
    return Parser(_ENVIRONMENT, source).parse(), sources.spoken(list(sources.pieces(_ENVIRONMENT.lexer, source)))


@lru_cache(maxsize=_CACHED)
def compiled(source: str) -> _Compiled:
    """The compiled source. Raises `SyntaxProblem`."""
    if len(source.encode("utf-8", "replace")) > MAX_SOURCE:
        raise SyntaxProblem(f"is longer than {MAX_SOURCE} bytes")
    try:
        tree, found = _parsed(source)
        check(tree, found)
        complete(tree)
        code = _ENVIRONMENT.compile(tree)
        template = _ENVIRONMENT.template_class.from_code(_ENVIRONMENT, code, {})
    except TemplateSyntaxError as error:
        at = min(error.lineno, max(len(source) - 1, 0))
        raise SyntaxProblem(_sentence(error), at, _word(source, at)) from error
    except RecursionError as error:
        raise SyntaxProblem("is nested too deeply", 0, len(source)) from error
    constant = tree.find(nodes.Name) is None
    return _Compiled(template.root_render_func, template.root_render_func.__code__, template, constant)


def _sentence(error: TemplateSyntaxError) -> str:
    text = error.message or "cannot be read"
    return text[:1].lower() + text[1:].rstrip(".")


def _word(source: str, at: int) -> int:
    """How much is to be marked of what could not be read: the word or sign that stands there."""
    found = re.compile(r"\w+|\{[{%][-+]?|[-+]?[}%]\}|.", re.DOTALL).match(source, at)
    return len(found[0]) if found else 0


def refuse(source: str) -> None:
    """Raises `SyntaxProblem` unless the text is in the language, and what it says without a variable can be said."""
    if not is_template(source):
        return
    if compiled(source).constant:
        try:
            fill(source, context({}, ""))
        except FillProblem as error:
            raise SyntaxProblem(str(error), error.at, error.length) from error


@lru_cache(maxsize=_CACHED)
def reads(source: str) -> tuple[Use, ...]:
    """Every name that a text calls, such as `data.order.id`; none of a text that is not in the language."""
    if not is_template(source):
        return ()
    try:
        compiled(source)
    except SyntaxProblem:
        return ()
    tree, found = _parsed(source)
    return tuple(sorted(sources.uses(found, tree), key=lambda use: use.at))


def blocks(source: str) -> tuple[Use, ...]:
    """Every `{{ block.NAME }}` of a text, from brace to brace."""
    return _blocks(source) if BLOCK in source and is_template(source) else ()


@lru_cache(maxsize=_CACHED)
def _blocks(source: str) -> tuple[Use, ...]:
    try:
        found = list(sources.pieces(_ENVIRONMENT.lexer, source))
    except TemplateSyntaxError:
        return ()
    return tuple(Use((BLOCK, name), at, end - at) for name, at, end in sources.blocks(found))
