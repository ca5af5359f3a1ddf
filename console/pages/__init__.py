"""Every page; importing this package registers them with the shell."""

from console.pages import campaigns, deliveries, gate, overview, report

__all__ = ["campaigns", "deliveries", "gate", "overview", "report"]
