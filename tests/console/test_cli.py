"""The command line as an operator's script sees it: words in, JSON out, exit codes kept."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import SECRET

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def tocsin(tmp_path: Path) -> Run:
    def run(*words: str, stdin: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        env = {**os.environ, "TOCSIN_DATA_DIR": str(tmp_path), "TOCSIN_SECRET_KEYS": SECRET, **environment}
        command = [sys.executable, "-m", "console.cli", *words]
        return subprocess.run(command, input=stdin, env=env, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_an_app_a_key_and_a_member_are_made(tocsin: Run):
    made = tocsin("app", "add", "shop", "--name", "Shop", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["slug"] == "shop"
    assert json.loads(made.stdout)["id"].startswith("app_")
    key = json.loads(tocsin("key", "add", "--app", "shop", "--scope", "server", "--json").stdout)
    assert key["id"].startswith("key_")
    assert len(key["key"]) > 40
    member = tocsin(
        "member", "add", "ana@example.com", "--role", "editor", "--password-stdin", stdin="correct horse battery\n"
    )
    assert member.returncode == 0, member.stderr


def test_what_goes_wrong_is_one_line_and_exit_code_1(tocsin: Run):
    tocsin("app", "add", "shop")
    for words in (["app", "add", "shop"], ["key", "add", "--app", "nowhere", "--scope", "server"]):
        failed = tocsin(*words)
        assert failed.returncode == 1
        assert failed.stdout == ""
        assert len(failed.stderr.strip().splitlines()) == 1
        assert "Traceback" not in failed.stderr


def test_wrong_usage_is_exit_code_2(tocsin: Run):
    assert tocsin("key", "add", "--app", "shop", "--scope", "everything").returncode == 2
    assert tocsin("dance").returncode == 2
    assert tocsin("member", "add").returncode == 2


def test_a_weak_secret_is_refused_in_words(tocsin: Run):
    refused = tocsin("migrate", TOCSIN_SECRET_KEYS="changeme")
    assert refused.returncode == 1
    assert refused.stderr.startswith("TOCSIN_SECRET_KEYS")


def test_check_names_what_is_wrong(tocsin: Run):
    empty = tocsin("check")
    assert empty.returncode == 1
    assert "tocsin migrate" in empty.stdout
    assert tocsin("migrate").returncode == 0
    assert tocsin("check").returncode == 0
    wrong = tocsin("check", TOCSIN_BASE_URL="http://push.example.com", TOCSIN_PUSH_HOSTS="ok.example, not a host")
    assert wrong.returncode == 1
    assert len(wrong.stdout.strip().splitlines()) == 2


def test_a_secret_may_come_from_a_file(tocsin: Run, tmp_path: Path):
    (tmp_path / "keys").write_text(SECRET + "\n")
    assert tocsin("migrate", TOCSIN_SECRET_KEYS_FILE=str(tmp_path / "keys")).returncode == 0
    missing = tocsin("migrate", TOCSIN_SECRET_KEYS_FILE=str(tmp_path / "nowhere"))
    assert missing.returncode == 1
    assert "TOCSIN_SECRET_KEYS_FILE" in missing.stderr
