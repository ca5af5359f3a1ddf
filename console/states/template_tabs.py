"""Which part of a template's page is open."""

import reflex as rx
from reflex.experimental import ClientStateVar

from backend.domain.vocabulary import Role
from console.states.base import requires

TABS = ("message", "data", "versions", "use")
tab_var = ClientStateVar.create("template_tab", default=TABS[0])


class TemplateTabsState(rx.State):
    """The browser holds it; the address names it."""

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Opens the part that the address names."""
        asked = self.router.url.query_parameters.get("tab", "")
        return tab_var.push(asked if asked in TABS else TABS[0])
