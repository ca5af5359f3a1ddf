"""The categories of the app: a table, and a dialog for one of them."""

from dataclasses import replace

import reflex as rx

from backend.domain.vocabulary import CategoryKind, Role
from backend.errors import Conflict, Invalid, NotFound
from backend.services import categories, policy_preview
from backend.services.categories import CategoryChange, CategoryIn
from backend.services.fields import parse
from backend.services.policy_preview import PreviewIn
from console.rows import categories as rows
from console.rows.categories import CategoryForm, CategoryLine, CategoryProblems
from console.rows.policies import CapLine, cap_json, capped
from console.states.base import read, requires, write


class CategoriesState(rx.State):
    """`open` while the dialog is."""

    lines: tuple[CategoryLine, ...] = ()
    form: CategoryForm = CategoryForm()
    problems: CategoryProblems = CategoryProblems()
    archived: bool = False
    open: bool = False
    ready: bool = False
    revision: int = 0
    _kind: str = ""

    @rx.event
    @requires(Role.ADMIN)
    async def load(self):
        self.reset()
        await self._refresh()

    @rx.event
    @requires(Role.ADMIN)
    async def show_archived(self, on: bool):
        self.archived = bool(on)
        await self._refresh()

    @rx.event
    @requires(Role.ADMIN)
    async def edit(self, slug: str):
        """Opens the dialog, of a new category without a slug."""
        found = [row for row in await read(categories.listing, archived=True) if row.slug == slug]
        self.form = rows.form(found[0]) if found else CategoryForm()
        self._kind = self.form.kind if found else ""
        self.problems, self.open, self.revision = CategoryProblems(), True, self.revision + 1

    @rx.event
    @requires(Role.ADMIN)
    async def show(self, is_open: bool):
        self.open = bool(is_open)

    @rx.event
    @requires(Role.ADMIN)
    async def cap(self, key: int, field: str, text: str):
        """A number of a cap, or its kind."""
        return self._put(capped(self.form.caps, key, field, text))

    @rx.event
    @requires(Role.ADMIN)
    async def add_cap(self):
        self.form = replace(self.form, next=self.form.next + 1)
        return self._put((*self.form.caps, CapLine(self.form.next)))

    @rx.event
    @requires(Role.ADMIN)
    async def drop_cap(self, key: int):
        return self._put(tuple(one for one in self.form.caps if one.key != key))

    @rx.event
    @requires(Role.ADMIN)
    async def save(self, given: dict):
        """Makes or changes it; what becomes mandatory, or ceases to be, is asked about first."""
        values = rows.values(given, self.form)
        asked = rows.question(self._kind or CategoryKind.MARKETING, values["kind"])
        if asked and self.form.asking != asked:
            self.form = replace(self.form, asking=asked)
            return None
        return await self._save(values, str(given.get("category_slug", "")).strip())

    @rx.event
    @requires(Role.ADMIN)
    async def archive(self, slug: str):
        """What still uses it stands in the way, and is said."""
        try:
            await write(categories.archive, str(slug))
        except Conflict as error:
            return rx.toast.error(error.detail)
        await self._refresh()
        undo = {"label": "Undo", "on_click": CategoriesState.restore(slug)}
        return rx.toast.success("Category archived", action=undo, duration=10_000)

    @rx.event
    @requires(Role.ADMIN)
    async def restore(self, slug: str):
        await write(categories.restore, str(slug))
        await self._refresh()
        return rx.toast.success("Category is back")

    @rx.event
    @requires(Role.ADMIN)
    async def look(self):
        """What the caps of the dialog would have done yesterday, once it is a category with caps."""
        caps = [cap_json(one) for one in self.form.caps]
        text = await read(_caps_then, self.form.slug, caps) if self.form.slug and caps else ""
        self.form = replace(self.form, then=text)

    def _put(self, caps: tuple[CapLine, ...]):
        self.form = replace(self.form, caps=caps)
        return CategoriesState.look

    async def _save(self, values: dict, slug: str):
        try:
            await write(_keep, self.form.slug, slug, values)
        except Invalid as error:
            self.form, self.problems = rows.refused(self.form, error.errors)
            return None
        except Conflict as error:
            self.problems = CategoryProblems(slug=error.detail)
            return None
        self.open = False
        await self._refresh()
        return rx.toast.success("Saved")

    async def _refresh(self):
        try:
            self.lines = tuple(map(rows.line, await read(categories.listing, archived=self.archived)))
        except NotFound:
            self.lines = ()
        self.ready = True


def _keep(work, known: str, slug: str, values: dict):
    if known:
        return categories.change(work, known, parse(CategoryChange, values))
    return categories.create(work, parse(CategoryIn, {"slug": slug, **values}))


def _caps_then(work, slug: str, caps: list) -> str:
    try:
        found = policy_preview.preview(work, parse(PreviewIn, {"category_caps": {slug: caps}})).caps
    except Invalid:
        return ""
    return next((one.text for one in found if one.cap is None), found[0].text)
