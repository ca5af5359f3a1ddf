"""The template language: Jinja2, sandboxed and cut down to what cannot loop, call or grow.

A source is parsed, held against the closed list of syntax below, compiled and cached; filling it in
is bounded by its own length. Names reach mappings and lists only, never an attribute of an object,
so that nothing of Python is in reach whatever the sandbox may miss.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from backend.services.template_filters import ARITY, FILTERS, LONGEST, TESTS, as_text, missing, number

VARIABLES = ("user", "device", "event", "data", "app")
MAX_SOURCE = 8192
MAX_DEPTH = 40
_CACHED = 1024
_MARKED = re.compile(r"\{[{%]")
_OUTPUT = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.If)
_VALUES = (nodes.Const, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.CondExpr, nodes.Filter, nodes.Test)
_LOGIC = (nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Add, nodes.Sub, nodes.Neg, nodes.Pos)
_ALLOWED = frozenset((*_OUTPUT, *_VALUES, *_LOGIC))
_NAMES = {
    nodes.For: "a loop",
    nodes.Call: "a call",
    nodes.CallBlock: "a call",
    nodes.Assign: "an assignment",
    nodes.AssignBlock: "an assignment",
    nodes.Mul: "multiplication",
    nodes.Div: "division",
    nodes.FloorDiv: "division",
    nodes.Mod: "division",
    nodes.Pow: "a power",
    nodes.Concat: "~ (write + or put the texts side by side)",
    nodes.Keyword: "a named argument",
    nodes.Slice: "a slice",
}


class SyntaxProblem(ValueError):
    """A template that is not in the language; the message says what and how to put it right."""


class FillProblem(ValueError):
    """A template that cannot be filled in with these values."""


class _Missing(StrictUndefined):
    """A value that is not there; `user.address.city` is missing as a whole, so `default` can take its place."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return f"{self._undefined_name} is not known here; add | default('…')"


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "-"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        """An entry of a map; null counts as missing."""
        if isinstance(obj, dict):
            value = obj.get(attribute)
            return self.undefined(name=attribute) if value is None else value
        return obj if isinstance(obj, Undefined) else self.undefined(name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """An entry of a map, or the n-th of a list."""
        if isinstance(argument, Undefined):
            raise missing(argument)
        if isinstance(obj, list | tuple) and type(argument) is int:
            found = obj[argument] if -len(obj) <= argument < len(obj) else None
            return self.undefined(name=f"item {argument}") if found is None else found
        return self.getattr(obj, argument if isinstance(argument, str) else as_text(argument))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Sums of numbers and joined texts; a result never grows past what a field may hold."""
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            if len(left) + len(right) > LONGEST:
                raise ValueError(f"a value has more than {LONGEST} characters")
            return left + right
        return number(left) + number(right) if operator == "+" else number(left) - number(right)


def _environment() -> _Environment:
    made = _Environment(
        undefined=_Missing,
        finalize=as_text,
        autoescape=False,
        keep_trailing_newline=True,
        comment_start_string="{\x00",  # no text has one: comments are not part of the language
        comment_end_string="\x00}",
        cache_size=0,
    )
    made.globals, made.filters, made.tests = {}, dict(FILTERS), dict(TESTS)
    return made


_ENVIRONMENT = _environment()


def context(variables: Mapping[str, Any], locale: str) -> Context:
    """What the templates of one message read; `locale` is how filters know the language."""
    known = {name: variables.get(name) or {} for name in VARIABLES}
    return Context(_ENVIRONMENT, {**known, "__locale__": locale}, None, {})


def is_template(text: str) -> bool:
    """Whether the text has anything to fill in."""
    return _MARKED.search(text) is not None


def fill(source: str, filling: Context) -> str:
    """The text with its variables filled in. Raises `FillProblem`, or `SyntaxProblem` for a bad source."""
    render = compiled(source)
    try:
        text = "".join(render(filling))
    except UndefinedError as error:
        raise FillProblem(str(error.message)) from error
    except (ValueError, TypeError, OverflowError, SecurityError) as error:
        raise FillProblem(str(error)) from error
    if len(text) > LONGEST:
        raise FillProblem(f"has more than {LONGEST} characters when filled in")
    return text


@lru_cache(maxsize=_CACHED)
def compiled(source: str) -> Callable[[Context], Iterator[str]]:
    """The compiled source. Raises `SyntaxProblem`."""
    if len(source.encode("utf-8", "replace")) > MAX_SOURCE:
        raise SyntaxProblem(f"is longer than {MAX_SOURCE} bytes")
    try:
        tree = _ENVIRONMENT.parse(source)
        _check(tree)
        code = _ENVIRONMENT.compile(tree)
        return _ENVIRONMENT.template_class.from_code(_ENVIRONMENT, code, {}).root_render_func
    except TemplateSyntaxError as error:
        raise SyntaxProblem(f"line {error.lineno}: {error.message}") from error
    except RecursionError as error:
        raise SyntaxProblem("is nested too deeply") from error


def _check(tree: nodes.Template) -> None:
    """Walks the tree without recursion; whatever is not on the list is refused by name."""
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise SyntaxProblem("is nested too deeply")
        if type(node) not in _ALLOWED:
            raise SyntaxProblem(f"{_NAMES.get(type(node)) or node_name(node)} is not part of the template language")
        _check_node(node)
        waiting.extend((child, depth + 1) for child in node.iter_child_nodes())


def node_name(node: nodes.Node) -> str:
    """`{% include %}` for an Include."""
    name = type(node).__name__.lower()
    return f"{{% {name} %}}" if isinstance(node, nodes.Stmt) else f"a {name}"


def _check_node(node: nodes.Node) -> None:
    if isinstance(node, nodes.Name) and node.name not in VARIABLES:
        raise SyntaxProblem(f"there is no variable {node.name!r}; a name begins with {', '.join(VARIABLES)}")
    if isinstance(node, nodes.Getattr):
        _check_key(node.attr)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        _check_key(node.arg.value)
    if isinstance(node, nodes.Filter):
        _check_known(node, "filter", FILTERS)
        _check_arity(node)
    if isinstance(node, nodes.Test):
        _check_known(node, "test", TESTS)
    if isinstance(node, nodes.CondExpr) and node.expr2 is None:
        node.expr2 = nodes.Const("", lineno=node.lineno, environment=node.environment)


def _check_key(key: Any) -> None:
    if isinstance(key, str) and key.startswith("_"):
        raise SyntaxProblem(f"{key[:40]!r}: a name may not begin with an underscore")


def _check_known(node: nodes.Filter | nodes.Test, kind: str, known: Mapping[str, Any]) -> None:
    if node.name not in known:
        raise SyntaxProblem(f"there is no {kind} {node.name!r}; there are {', '.join(known)}")
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise SyntaxProblem("* is not part of the template language")


def _check_arity(node: nodes.Filter) -> None:
    fewest, most = ARITY[node.name]
    if node.node is None or not fewest <= len(node.args) <= most:
        takes = f"{fewest} to {most} values" if fewest != most else f"{most or 'no'} values"
        raise SyntaxProblem(f"{node.name} takes {takes}")
