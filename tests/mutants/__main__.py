"""How many small mistakes in the rules their tests would notice: `make mutants`.

Mutmut writes each mistake (a `<` for a `<=`, a 1 for a 0, a None for a value) into a copy of the rules and runs
tests/domain against it. A mistake that no test notices is named; `mutmut show NAME` would print it, in the folder
that is named at the end of a run with `--keep`. Names of files (`policy quiet`) keep to these.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
RULES = ("policy", "schedule", "recurrence", "due_times", "quiet", "caps", "spread", "zones")
FLOOR = {"policy": 85, "schedule": 85}
"""Per cent of the mistakes in a file that have to be noticed."""
TESTS = ("policy", "quiet", "caps", "spread", "zones", "schedule", "recurrence")
NOTICED_BY_TIME = (24, 36, -24, 152, 255)
"""What mutmut notes when a mistake made the tests run for ever."""
CONFIG = """
[tool.pytest.ini_options]
addopts = "--noconftest -p no:cacheprovider -p no:xdist"
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
markers = ["slow: left out here"]

[tool.mutmut]
source_paths = ["backend"]
only_mutate = {files}
pytest_add_cli_args = ["-m", "not slow"]
pytest_add_cli_args_test_selection = {tests}
use_git_change_detection = false
"""


def main() -> int:
    chosen = [name for name in RULES if name in sys.argv] or list(RULES)
    folder = Path(tempfile.mkdtemp(prefix="mutants-"))
    try:
        copy(folder, chosen)
        mutmut = Path(sys.executable).with_name("mutmut")
        subprocess.run([mutmut, "run"], cwd=folder, check=True, env={**os.environ, "PYTHONPATH": ""})
        return tell({rules: read(folder, rules) for rules in chosen})
    finally:
        if "--keep" in sys.argv:
            print(folder)
        else:
            shutil.rmtree(folder)


def copy(folder: Path, rules: Sequence[str]) -> None:
    """The rules need nothing of the product but each other, and their tests no database."""
    shutil.copytree(ROOT / "backend" / "domain", folder / "backend" / "domain")
    (folder / "backend" / "__init__.py").touch()
    (folder / "tests" / "domain").mkdir(parents=True)
    tests = [path for name in TESTS for path in sorted((ROOT / "tests" / "domain").glob(f"test_{name}*.py"))]
    for path in tests:
        shutil.copy(path, folder / "tests" / "domain")
    names = [f"tests/domain/{path.name}" for path in tests]
    files = [f"backend/domain/{name}.py" for name in rules]
    (folder / "pyproject.toml").write_text(CONFIG.format(files=json.dumps(files), tests=json.dumps(names)))


def read(folder: Path, rules: str) -> Mapping[str, bool]:
    """Each mistake made in a file, and whether a test noticed it."""
    notes = folder / "mutants" / "backend" / "domain" / f"{rules}.py.meta"
    if not notes.exists():
        return {}
    exits = json.loads(notes.read_text())["exit_code_by_key"]
    return {name: code in (1, 3, *NOTICED_BY_TIME) for name, code in exits.items()}


def tell(noticed: Mapping[str, Mapping[str, bool]]) -> int:
    table = Table("file", "mistakes", "noticed", "score", title="Mistakes that the tests of the rules notice")
    for rules, found in noticed.items():
        if found:
            table.add_row(f"{rules}.py", str(len(found)), str(sum(found.values())), f"{score(found):.0f} %")
    console = Console()
    console.print(*(f"not noticed: {name}" for name in missed(noticed)), sep="\n")
    console.print(table)
    return int(any(score(found) < FLOOR.get(rules, 0) for rules, found in noticed.items()))


def score(found: Mapping[str, bool]) -> float:
    return 100 * sum(found.values()) / len(found) if found else 0.0


def missed(noticed: Mapping[str, Mapping[str, bool]]) -> Iterator[str]:
    return (name for found in noticed.values() for name, seen in found.items() if not seen)


if __name__ == "__main__":
    sys.exit(main())
