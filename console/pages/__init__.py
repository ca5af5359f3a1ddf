"""Every page; importing this package registers them with the shell."""

from console.pages import apps, campaigns, compose, deliveries, gate, health, overview, report, simulator

__all__ = ["apps", "campaigns", "compose", "deliveries", "gate", "health", "overview", "report", "simulator"]
