"""The API's documentation as one page: made from the OpenAPI document, without a script or a foreign file."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel
from starlette.responses import HTMLResponse, JSONResponse, Response

from backend.api import problems
from backend.api.deps import OPEN
from backend.api.problems import Problem
from backend.services.definition import CampaignDefinition

router = APIRouter(prefix="/api", dependencies=[OPEN], include_in_schema=False)
REF = "#/components/schemas/{model}"
NAMED: tuple[type[BaseModel], ...] = (Problem, CampaignDefinition)
"""Shapes that routes refer to by name only."""
METHODS = ("get", "post", "put", "patch", "delete")
CSP = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
STYLE = """
:root { color-scheme: light dark; --line: light-dark(#dcdce4, #33333c); --soft: light-dark(#f5f5f8, #1d1d23);
  --muted: light-dark(#5f5f6b, #a3a3b0); --key: light-dark(#4a3fb5, #aaa2ff); }
body { font: 15px/1.55 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 2rem 1rem 6rem;
  background: light-dark(#fff, #141418); color: light-dark(#1b1b22, #ececf1); }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; font-size: 1.2rem; } h3 { font-size: .95rem; margin: 1rem 0 .3rem; }
code, pre { font: .87em/1.5 ui-monospace, monospace; } pre { background: var(--soft); padding: .8rem; overflow: auto; }
details { border: 1px solid var(--line); border-radius: 8px; margin: .5rem 0; padding: 0 .9rem; }
details[open] { padding-bottom: .9rem; }
summary { cursor: pointer; padding: .6rem 0; overflow-wrap: anywhere; } summary code { font-weight: 600; }
table { border-collapse: collapse; width: 100%; } .wide { overflow-x: auto; }
td, th { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-top: 1px solid var(--line); }
.method { display: inline-block; min-width: 4.2rem; color: var(--key); font-weight: 700; } .muted { color: var(--muted); }
a { color: var(--key); } nav a { margin-right: 1rem; }
"""


@router.get("/openapi.json")
def openapi(request: Request) -> Response:
    """The contract, for programs."""
    return JSONResponse(document(request.app))


@router.get("/docs")
def page(request: Request) -> Response:
    """The contract, for people."""
    return HTMLResponse(render(document(request.app)), headers={"Content-Security-Policy": CSP})


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with every shape that its routes refer to."""
    made = app.openapi()
    shapes = dict(made["components"]["schemas"])
    for model in NAMED:
        schema = model.model_json_schema(ref_template=REF)
        shapes |= schema.pop("$defs", {}) | {model.__name__: schema}
    paths = _hoisted(made["paths"], shapes)
    return {**made, "paths": paths, "components": {**made["components"], "schemas": shapes}}


def _hoisted(node: Any, shapes: dict[str, Any]) -> Any:
    """A copy whose inner `$defs` have moved to `shapes`, where every reference finds them."""
    if isinstance(node, list):
        return [_hoisted(one, shapes) for one in node]
    if not isinstance(node, dict):
        return node
    for name, inner in node.get("$defs", {}).items():
        shapes[name] = _hoisted(inner, shapes)
    copy = {name: _hoisted(value, shapes) for name, value in node.items() if name != "$defs"}
    if str(copy.get("$ref", "")).startswith("#/$defs/"):
        copy["$ref"] = REF.format(model=copy["$ref"].removeprefix("#/$defs/"))
    return copy


def render(document: Mapping[str, Any]) -> str:
    """The whole page. Every text of the document is escaped."""
    info, groups = document["info"], _groups(document)
    links = " ".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name in (*groups, "Problems", "Shapes"))
    parts = "".join(_group(name, operations, document) for name, operations in groups.items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style></head><body><h1>{escape(info['title'])} "
        f'<small class="muted">{escape(info["version"])}</small></h1>{_paragraphs(info.get("description", ""))}'
        f'<p><a href="openapi.json">openapi.json</a></p><nav>{links}</nav>'
        f"{parts}{_problems()}{_shapes(document)}</body></html>"
    )


def _groups(document: Mapping[str, Any]) -> dict[str, list[tuple[str, str, Mapping[str, Any]]]]:
    groups: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if operation := item.get(method):
                tag = operation.get("tags", ["Other"])[0]
                groups.setdefault(tag, []).append((method, path, operation))
    return groups


def _group(name: str, operations: list[tuple[str, str, Mapping[str, Any]]], document: Mapping[str, Any]) -> str:
    rows = "".join(_operation(method, path, operation) for method, path, operation in operations)
    about = next((tag["description"] for tag in document.get("tags", []) if tag["name"] == name), "")
    return f'<h2 id="{_anchor(name)}">{escape(name)}</h2>{_paragraphs(about)}{rows}'


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    return (
        f'<details><summary><span class="method">{method.upper()}</span><code>{escape(path)}</code> '
        f'<span class="muted">{escape(operation.get("summary", ""))}</span></summary>'
        f"{_paragraphs(operation.get('description', ''))}{_parameters(operation)}{_body(operation)}{_answers(operation)}"
        "</details>"
    )


def _parameters(operation: Mapping[str, Any]) -> str:
    rows = [
        (one["name"], f"{one['in']}, {_kind(one.get('schema', {}))}", one.get("description", ""))
        for one in operation.get("parameters", [])
    ]
    return f"<h3>Parameters</h3>{_table(rows)}" if rows else ""


def _body(operation: Mapping[str, Any]) -> str:
    kinds = [_kind(media.get("schema", {})) for media in operation.get("requestBody", {}).get("content", {}).values()]
    return f"<h3>Body</h3><p>{' or '.join(kinds)}</p>" if kinds else ""


def _answers(operation: Mapping[str, Any]) -> str:
    rows = [
        (
            status,
            ", ".join(_kind(media.get("schema", {})) for media in one.get("content", {}).values()),
            one["description"],
        )
        for status, one in operation.get("responses", {}).items()
    ]
    return f"<h3>Answers</h3>{_table(rows)}"


def _problems() -> str:
    rows = "".join(
        f'<tr id="{code}"><td><code>{code}</code></td><td>{status}</td><td>{_inline(meaning)}</td></tr>'
        for code, (status, meaning) in problems.kinds().items()
    )
    return f'<h2 id="problems">Problems</h2><div class="wide"><table>{rows}</table></div>'


def _shapes(document: Mapping[str, Any]) -> str:
    shapes = document.get("components", {}).get("schemas", {})
    return '<h2 id="shapes">Shapes</h2>' + "".join(_shape(name, shape) for name, shape in shapes.items())


def _shape(name: str, shape: Mapping[str, Any]) -> str:
    needed = shape.get("required", [])
    rows = [
        (field, _kind(one) + (", required" if field in needed else ""), one.get("description", ""))
        for field, one in shape.get("properties", {}).items()
    ]
    words = "" if rows else f"<p>{_kind(shape)}</p>"
    about = _paragraphs(shape.get("description", ""))
    # A link to an element inside opens the details around it; one to the details itself does not.
    inside = f'<div id="{_anchor(name)}">{about}{words}{_table(rows)}</div>'
    return f"<details><summary><code>{escape(name)}</code></summary>{inside}</details>"


def _table(rows: list[tuple[str, str, str]]) -> str:
    """Name and remark are text; the kind in the middle is HTML already."""
    cells = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{kind}</td><td>{_inline(text)}</td></tr>"
        for name, kind, text in rows
    )
    return f'<div class="wide"><table>{cells}</table></div>' if rows else ""


def _kind(schema: Mapping[str, Any]) -> str:
    """A schema in a few words, with links to the named ones."""
    if reference := schema.get("$ref"):
        name = reference.rsplit("/", 1)[-1]
        return f'<a href="#{_anchor(name)}">{escape(name)}</a>'
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_kind(one) for one in schema[several]))
    if "enum" in schema or "const" in schema:
        return " | ".join(f"<code>{escape(str(one))}</code>" for one in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return escape(str(schema.get("format") or schema.get("type") or "anything"))


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{_inline(part)}</p>" for part in text.split("\n\n") if part.strip())


def _inline(text: str) -> str:
    """Escaped text whose `code` is set as code."""
    return "".join(_pieces(escape(text).split("`")))


def _pieces(parts: list[str]) -> Iterator[str]:
    for index, part in enumerate(parts):
        yield f"<code>{part}</code>" if index % 2 else part


def _anchor(name: str) -> str:
    return "".join(char if char.isalnum() else "-" for char in name.lower())
