"""`tocsin simulator`: every knob is an option."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import orjson

from backend.simulator import behaviour
from backend.simulator.authority import Endpoints
from backend.simulator.behaviour import HOSTS, KNOBS, SERVICES, Behaviour, Knob
from backend.simulator.control import ROUTES
from backend.simulator.faults import CATALOGUE
from backend.simulator.presets import PRESETS
from backend.simulator.run import run
from backend.simulator.wire import Host


def main(argv: Sequence[str] | None = None) -> None:
    """The command line; exits with 0 after a clean end, 1 with a reason, 2 on wrong usage."""
    command.main(None if argv is None else list(argv), prog_name="tocsin simulator")


def _say(endpoints: Endpoints) -> None:
    click.echo(f"APNs {endpoints.apns}  FCM {endpoints.fcm}  Web Push {endpoints.webpush}")
    click.echo(
        f"second push service {endpoints.webpush2}  APNs sandbox {endpoints.sandbox}  control {endpoints.control}"
    )


def _option(name: str, knob: Knob) -> Callable[[Any], Any]:
    """A knob as an option; one that is not given is None."""
    default, flag = behaviour.default(name), f"--{name.replace('_', '-')}"
    shown = f"{knob.says} [{str(default).lower() if isinstance(default, bool) else default}]"
    if isinstance(default, bool):
        return click.option(f"{flag}/--no-{flag[2:]}", default=None, help=shown)
    kind: Any = click.Choice(knob.words) if knob.words else type(default)
    return click.option(flag, type=kind, default=None, help=shown)


def _knob_options(wrapped: Any) -> Any:
    for name, knob in reversed(list(KNOBS.items())):
        wrapped = _option(name, knob)(wrapped)
    return wrapped


def _list(title: str, lines: Iterable[str]) -> str:
    return "\n".join([f"\b\n{title}", *(f"  {line}" for line in lines)])


_EPILOG = "\n\n".join(
    [
        _list("Presets:", (f"{name:10}{preset.says}" for name, preset in PRESETS.items())),
        *(f"Faults of {service}: {', '.join(faults)}." for service, faults in CATALOGUE.items()),
        "Routes on every port, and on the control port whatever happens to the others:",
        ROUTES,
    ]
)


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--port",
    default=8440,
    show_default=True,
    help=f"The first; in this order each host has one: {', '.join(Host)}. 0: any free.",
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data/simulator"),
    show_default=True,
    help="Where keys, certificates, topic subscriptions and endpoints.json live.",
)
@click.option("--base-url", default=None, help="Tocsin's address, where people's apps send receipts. None: they don't.")
@click.option("--preset", type=click.Choice(list(PRESETS)), default=None, help="Knobs to begin with; see below.")
@click.option("--behaviour", "given", default=None, help='Knobs as JSON, e.g. {"latency_ms": 50}.')
@click.option(
    "--mix",
    multiple=True,
    metavar="SERVICE:STATUS/REASON[@SECONDS]=SHARE",
    help=f"Answers to otherwise good requests, with Retry-After. Services: {', '.join(SERVICES)}. May come often.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="HOST:KNOB=VALUE",
    help=f"A knob that differs at one host. Hosts: {', '.join(HOSTS)}. May come often.",
)
@_knob_options
@click.option("--exit-with-parent", is_flag=True, help="End when standard input ends.")
def command(
    port: int,
    directory: Path,
    base_url: str | None,
    preset: str | None,
    given: str | None,
    mix: tuple[str, ...],
    only: tuple[str, ...],
    exit_with_parent: bool,
    **knobs: Any,
) -> None:
    """APNs, FCM and Web Push as strict servers on loopback, with faults on demand."""
    try:
        chosen = _chosen(preset, given, mix, only, knobs)
        asyncio.run(run(directory, port, base_url, chosen, _say, exit_with_parent=exit_with_parent))
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _chosen(
    preset: str | None, given: str | None, mix: Iterable[str], only: Iterable[str], knobs: dict[str, Any]
) -> Behaviour:
    """The preset, then the JSON, then the options; each knob as the last of them says. Raises `ValueError`."""
    chosen: dict[str, Any] = dict(PRESETS[preset].knobs) if preset else {}
    named = orjson.loads(given) if given else {}
    if not isinstance(named, dict):
        raise click.BadParameter("a JSON object is needed", param_hint="--behaviour")
    chosen |= named | {name: value for name, value in knobs.items() if value is not None}
    for field, texts in (("mix", mix), ("only", only)):
        pairs = [_pair(field, text) for text in texts]
        if pairs:
            whole: dict[str, dict[str, Any]] = {name: dict(each) for name, each in chosen.get(field, {}).items()}
            for name, key, value in pairs:
                whole.setdefault(name, {})[key] = value
            chosen[field] = whole
    return Behaviour.parse(chosen)


def _pair(option: str, text: str) -> tuple[str, str, Any]:
    """`NAME:KEY=VALUE`, the value in JSON or else a word."""
    name, colon, rest = text.partition(":")
    key, equals, value = rest.rpartition("=")
    if not colon or not equals:
        raise click.BadParameter(f"{text!r} is not NAME:KEY=VALUE", param_hint=f"--{option}")
    try:
        return name, key, orjson.loads(value)
    except orjson.JSONDecodeError:
        return name, key, value
