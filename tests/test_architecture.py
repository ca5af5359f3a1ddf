"""The house's rules, kept by a test."""

import ast
import re
import statistics
import subprocess
import sys
from pathlib import Path

from sqlalchemy import Engine

from alembic import command
from backend.bootstrap import Core
from backend.migrate import config

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [p for folder in ("backend", "console", "alembic", "tests") for p in (ROOT / folder).rglob("*.py")]
LONGEST_FILE = 500
SQL_ROOM = ROOT / "backend" / "queries"


def functions(folder: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / folder).rglob("*.py")]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for tree in trees for node in ast.walk(tree) if isinstance(node, kinds)]


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_functions_are_short():
    lengths = [length(function) for function in functions("backend")]
    assert statistics.median(lengths) <= 10
    assert statistics.quantiles(lengths, n=10)[-1] <= 30


def test_files_are_split_before_they_are_long():
    sizes = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    long = {name: size for name, size in sizes.items() if size > LONGEST_FILE and "versions" not in name}
    assert not long


def test_import_contracts_hold():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], check=False, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_only_queries_speak_sql():
    """Services build on queries; conditions may travel as values, statements may not."""
    speaks = re.compile(
        r"^\s*from sqlalchemy(?:\.dialects\.\w+)? import .*\b(select|insert|update|delete|text)\b", re.MULTILINE
    )
    rooms = [ROOT / "backend" / name for name in ("services", "api", "dispatch", "domain", "providers")]
    guilty = [path.name for room in rooms for path in room.rglob("*.py") if speaks.search(path.read_text())]
    assert not guilty


def test_broad_excepts_stand_only_at_a_face():
    broad = re.compile(r"except (?:Exception|BaseException)\b|except:\s")
    files = [p for p in SOURCES if "tests" not in p.parts and broad.search(p.read_text())]
    counts = {str(p.relative_to(ROOT)): len(broad.findall(p.read_text())) for p in files}
    assert set(counts) == BOUNDARIES


BOUNDARIES = {"backend/services/sender.py", "backend/api/problems.py", "backend/providers/header_block.py"}


def test_only_settings_read_the_environment():
    reads = re.compile(r"os\.(?:environ|getenv)")
    files = [p for p in (ROOT / "backend").rglob("*.py") if reads.search(p.read_text())]
    assert [p.name for p in files] == ["settings.py"]


def test_the_schema_is_what_the_migrations_make(core: Core):
    with core.engine.connect() as connection:
        command.check(config(connection))
    assert isinstance(core.engine, Engine)


def test_nothing_names_a_registry_or_this_machine():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    registry = re.compile("|".join(["pypi" + r"\.org", "npmjs" + r"\.(?:org|com)", "pythonhosted" + r"\.org"]))
    guilty = [name for name in tracked if registry.search((ROOT / name).read_text(encoding="utf-8", errors="ignore"))]
    assert not guilty


def test_the_lock_has_hashes_and_no_address():
    for name in ("requirements.lock", "requirements-dev.lock"):
        lock = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in lock
        pins = re.findall(r"^[a-z0-9][\w.\[\]-]*==", lock, re.MULTILINE | re.IGNORECASE)
        assert len(pins) > 50
        assert lock.count("--hash=sha256:") >= len(pins)
