"""The `tocsin` command: each verb calls a service; `up` serves and supervises the other processes."""

import asyncio
import json
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from backend import bootstrap, migrate
from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.vocabulary import Role, Scope
from backend.errors import TocsinError
from backend.services import apps, keys, members
from backend.settings import SettingError


class Failure(click.ClickException):
    """One line of reason on standard error, exit code 1."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        click.echo(self.message, err=True)


def plain(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turns what Tocsin expects to go wrong into one line and exit code 1."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except (TocsinError, SettingError) as error:
            raise Failure(str(error)) from error

    return run


def opened() -> Core:
    """The core over a migrated database."""
    core = bootstrap.build()
    migrate.to_head(core.engine)
    return core


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tocsin")
def main() -> None:
    """Tocsin: push notifications to iOS, Android and browsers, with a console for the team."""


@main.command()
@click.option("--demo", is_flag=True, help="A demo app whose devices live behind the built-in simulator.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=3000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(0, 64), help="Sender processes here.")
@click.option("--exit-with-parent", is_flag=True, hidden=True)
@plain
def up(demo: bool, host: str, port: int, workers: int, exit_with_parent: bool) -> None:
    """Migrate, then serve console and API with the scheduler in process and senders beside it."""
    from console import up as serving

    serving.run(serving.Plan(demo=demo, host=host, port=port, workers=workers, exit_with_parent=exit_with_parent))


@main.command()
@click.option("--exit-with-parent", is_flag=True, hidden=True)
@plain
def worker(exit_with_parent: bool) -> None:
    """One more sender process on the same database."""
    from console import worker as sending

    asyncio.run(sending.run(bootstrap.build(may_rest=sending.MAY_REST), exit_with_parent=exit_with_parent))


@main.command()
@click.option("--devices", default=2000, show_default=True, type=click.IntRange(1, 2_000_000))
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@plain
def demo(devices: int, as_json: bool) -> None:
    """Fill a demo app, launch a campaign through the real senders to the simulator, print its report."""
    from console import demo as rehearsal

    report = rehearsal.run(opened(), devices, quiet=as_json)
    click.echo(json.dumps(report) if as_json else rehearsal.table(report))


@main.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True}, add_help_option=False)
@click.pass_context
@plain
def simulator(context: click.Context) -> None:
    """The provider simulator alone: APNs, FCM with its token endpoint, Web Push, on loopback."""
    from backend.settings import load
    from backend.simulator.command import main as simulate

    settings = load()
    simulate(["--directory", str(settings.simulator_dir), "--base-url", settings.base_url, *context.args])


@main.command()
@click.option("--pushes", default=10_000, show_default=True, type=click.IntRange(200, 1_000_000), help="For each.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 50), help="The cheapest counts.")
@click.option("--postgresql", default=None, help="A server on which a database may be made and dropped.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@plain
def bench(pushes: int, rounds: int, postgresql: str | None, as_json: bool) -> None:
    """Measure what a push costs, by provider, on SQLite and PostgreSQL, beside other senders if installed."""
    from console import bench as measuring

    figures = measuring.run(pushes, rounds, postgresql, lambda line: click.echo(line, err=True))
    click.echo(json.dumps(measuring.as_json(figures)) if as_json else measuring.table(figures))


@main.command(name="migrate")
@plain
def migrate_command() -> None:
    """Bring the database schema to the newest version."""
    opened().close()


@main.command()
@plain
def check() -> None:
    """Say what is misconfigured, one line each; exit 1 if anything is."""
    from backend.services import checks

    problems = checks.problems(bootstrap.build())
    for problem in problems:
        click.echo(problem)
    sys.exit(1 if problems else 0)


@main.group()
def app() -> None:
    """Apps."""


@app.command(name="add")
@click.argument("slug")
@click.option("--name")
@click.option("--json", "as_json", is_flag=True)
@plain
def app_add(slug: str, name: str | None, as_json: bool) -> None:
    """Make an app."""
    with opened().work(OPERATOR) as work:
        made = apps.create_app(work, slug=slug, name=name)
    click.echo(json.dumps({"id": made.id, "slug": made.slug}) if as_json else f"{made.slug} {made.id}")


@main.group()
def member() -> None:
    """Members: people who sign in to the console."""


@member.command(name="add")
@click.argument("email")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--app", "app_slug", help="Only this app; without it, all of them.")
@click.option("--name", default="")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@plain
def member_add(email: str, role: str, app_slug: str | None, name: str, password_stdin: bool) -> None:
    """Let a person sign in; asks for the password unless it comes from standard input."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else click.prompt("Password", hide_input=True)
    with opened().work(OPERATOR) as work:
        app_number = apps.app_by_slug(work, app_slug).number if app_slug else None
        members.add_member(work, email, Role(role), app_number=app_number, password=password, name=name)
    click.echo(f"{email} may sign in as {role}.")


@main.group()
def key() -> None:
    """API keys."""


@key.command(name="add")
@click.option("--app", "app_slug", required=True)
@click.option("--scope", required=True, type=click.Choice([scope.value for scope in Scope]))
@click.option("--name", default="")
@click.option("--json", "as_json", is_flag=True)
@plain
def key_add(app_slug: str, scope: str, name: str, as_json: bool) -> None:
    """Make an API key; it is shown once."""
    core = opened()
    with core.work(OPERATOR) as work:
        owner = apps.app_by_slug(work, app_slug)
        row, secret = keys.add_key(work.within(owner.number), scope=Scope(scope), name=name)
    click.echo(json.dumps({"id": row.id, "key": secret}) if as_json else secret)


if __name__ == "__main__":
    main()
