"""Every page; importing this package registers them with the shell."""

from console.pages import (
    apps,
    campaigns,
    channels,
    compose,
    deliveries,
    gate,
    health,
    imports,
    lists,
    overview,
    people,
    report,
    segments,
    simulator,
)

__all__ = [
    "apps",
    "campaigns",
    "channels",
    "compose",
    "deliveries",
    "gate",
    "health",
    "imports",
    "lists",
    "overview",
    "people",
    "report",
    "segments",
    "simulator",
]
