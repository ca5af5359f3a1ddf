"""What of Jinja's syntax the template language has; whatever is not on the list is refused by name and place."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jinja2 import nodes

from backend.services.template_filters import ARITY, FILTERS, TESTS
from backend.services.template_source import Piece, SyntaxProblem, place

VARIABLES: Final = ("user", "device", "event", "data", "app")
BLOCK: Final = "block"
MAX_DEPTH: Final = 40
_BLOCK_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
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


def check(tree: nodes.Template, found: Sequence[Piece]) -> None:
    """Raises `SyntaxProblem` for the first thing that the language does not have. Walks the tree without recursion."""
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if wrong := "is nested too deeply" if depth > MAX_DEPTH else _problem(node):
            raise SyntaxProblem(wrong, *place(found, node))
        waiting.extend(
            (child, depth + 1) for child in reversed(list(node.iter_child_nodes())) if not _is_block(child, node)
        )


def _is_block(node: nodes.Node, parent: nodes.Node) -> bool:
    """`{{ block.NAME }}` alone: a text of that name takes its place before anything is filled in."""
    if not (isinstance(parent, nodes.Output) and isinstance(node, nodes.Getattr)):
        return False
    return isinstance(node.node, nodes.Name) and node.node.name == BLOCK and bool(_BLOCK_NAME.fullmatch(node.attr))


def _problem(node: nodes.Node) -> str | None:
    match node:
        case nodes.Name():
            wrong = _name_problem(node)
        case nodes.Getattr(attr=key) | nodes.Getitem(arg=nodes.Const(value=key)):
            wrong = _key_problem(key)
        case nodes.Filter():
            wrong = _unknown(node, "filter", FILTERS) or _arity_problem(node)
        case nodes.Test():
            wrong = _unknown(node, "test", TESTS) or ("a test takes no values" if node.args else None)
        case _ if type(node) not in _ALLOWED:
            wrong = f"{_NAMES.get(type(node)) or _node_name(node)} is not part of the template language"
        case _:
            wrong = None
    return wrong


def complete(tree: nodes.Template) -> None:
    """`'x' if user.vip` says nothing otherwise."""
    for node in tree.find_all(nodes.CondExpr):
        if node.expr2 is None:
            node.expr2 = nodes.Const("", lineno=node.lineno, environment=node.environment)


def _node_name(node: nodes.Node) -> str:
    """`{% include %}` for an Include."""
    name = type(node).__name__.lower()
    return f"{{% {name} %}}" if isinstance(node, nodes.Stmt) else f"a {name}"


def _name_problem(node: nodes.Name) -> str | None:
    if node.name == BLOCK:
        return "a block stands alone, as {{ block.name }}, its name in small letters: it takes no filter"
    if node.name in VARIABLES:
        return None
    return f"there is no variable {node.name!r}; a name begins with {', '.join(VARIABLES)}"


def _key_problem(key: Any) -> str | None:
    if isinstance(key, str) and key.startswith("_"):
        return f"{key[:40]!r}: a name may not begin with an underscore"
    return None


def _unknown(node: nodes.Filter | nodes.Test, kind: str, known: Mapping[str, Any]) -> str | None:
    if node.name not in known:
        return f"there is no {kind} {node.name!r}; there are {', '.join(known)}"
    return "* is not part of the template language" if node.dyn_args or node.dyn_kwargs else None


def _arity_problem(node: nodes.Filter) -> str | None:
    fewest, most = ARITY[node.name]
    if node.node is not None and fewest <= len(node.args) <= most:
        return None
    takes = f"{fewest} to {most} values" if fewest != most else f"{most or 'no'} values"
    return f"{node.name} takes {takes}"
