"""Every page; importing this package registers them with the shell."""

from console.pages import apps, campaigns, compose, deliveries, gate, overview, report

__all__ = ["apps", "campaigns", "compose", "deliveries", "gate", "overview", "report"]
