"""Every page; importing this package registers them with the shell."""

from console.pages import (
    apps,
    calendar,
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
    policies,
    report,
    segments,
    simulator,
)

__all__ = [
    "apps",
    "calendar",
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
    "policies",
    "report",
    "segments",
    "simulator",
]
