"""The list of templates: search and page are in the address."""

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import NotFound
from backend.services import campaigns, categories, templates
from console import routes
from console.rows.templates import TemplateLine, line
from console.states.base import read, requires, viewer, write

PAGE = 50


class TemplatesState(rx.State):
    """One page of templates and what narrows it."""

    search: str = ""
    rows: tuple[TemplateLine, ...] = ()
    following: str = ""
    ready: bool = False

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Reads search and page from the address."""
        self.search = self.router.url.query_parameters.get("search", "")[:100]
        await self._refresh()

    @rx.event
    @requires(Role.EDITOR)
    async def look_for(self, text: str):
        """Narrows the list by name; the address follows."""
        return rx.redirect(routes.with_query(routes.TEMPLATES, {"search": str(text)[:100]}), replace=True)

    @rx.event
    @requires(Role.EDITOR)
    async def use(self, template_id: str):
        """Opens a new campaign that says what the template says, also what it will say by the launch."""
        made = await write(campaign_from, str(template_id))
        return rx.redirect(routes.edit_campaign(made))

    @rx.event
    @requires(Role.EDITOR)
    async def duplicate(self, template_id: str):
        """Opens the copy."""
        made = await write(templates.duplicate, str(template_id))
        return rx.redirect(routes.template(made.id))

    @rx.event
    @requires(Role.EDITOR)
    async def archive(self, template_id: str):
        """Takes it off the list; the toast brings it back."""
        await write(templates.archive, str(template_id))
        await self._refresh()
        undo = {"label": "Undo", "on_click": TemplatesState.bring_back(template_id)}
        return rx.toast.success("Template archived", action=undo)

    @rx.event
    @requires(Role.EDITOR)
    async def bring_back(self, template_id: str):
        await write(templates.bring_back, str(template_id))
        await self._refresh()
        return rx.toast.success("The template is back")

    async def _refresh(self):
        try:
            page, uses, now = await read(_page, self.search, self.router.url.query_parameters.get("cursor"))
        except NotFound:
            self.rows, self.ready = (), True
            return
        zone = viewer().app.default_timezone
        self.rows = tuple(line(row, uses.get(row.id, ()), zone, now) for row in page.items)
        asked = {"search": self.search, "cursor": page.next}
        self.following = routes.with_query(routes.TEMPLATES, asked) if page.next else ""
        self.ready = True


def _page(work: Work, search: str, cursor: str | None):
    return templates.listing(work, search=search, cursor=cursor, limit=PAGE), templates.all_uses(work), work.now


def campaign_from(work: Work, template_id: str) -> str:
    """A new draft of the template's name, to everybody; its id."""
    row = templates.get(work, template_id)
    slugs = [category.slug for category in categories.listing(work)]
    category = "marketing" if "marketing" in slugs else slugs[0]
    draft = {"name": row.name, "category": category, "audience": {"everyone": True}}
    return campaigns.create(work, {**draft, "variants": [{"template_id": template_id}]}).row.id
