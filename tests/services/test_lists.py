"""Static lists."""

import pytest

from backend.db import OPERATOR
from backend.errors import NotFound
from backend.services import apps, lists, subscribers
from backend.services.lists import ListIn, MembersChanged


def test_users_come_and_go_and_strangers_are_told(core, app):
    with core.work(OPERATOR, app.number) as work:
        subscribers.ensure_users(work, ["ana", "ben"])
        vip = lists.create(work, ListIn(name="VIP"))
        assert vip.members == 0
        assert lists.add_members(work, vip.id, ["ana", "ana", "nobody"]) == MembersChanged(1, 1, ("nobody",))
        assert lists.add_members(work, vip.id, ["ana", "ben"]) == MembersChanged(1, 2, ())
        assert lists.remove_members(work, vip.id, ["ana", "nobody"]) == MembersChanged(1, 1, ("nobody",))
        assert lists.remove_members(work, vip.id, ["ana"]).changed == 0
        assert lists.get(work, vip.id).members == 1


def test_lists_come_in_pages_newest_first(sqlite_core):
    with sqlite_core.work(OPERATOR) as work:
        app, other = apps.create_app(work, slug="shop"), apps.create_app(work, slug="other")
    with sqlite_core.work(OPERATOR, app.number) as work:
        made = [lists.create(work, ListIn(name=f"L{n}")).id for n in range(3)]
        first = lists.listing(work, limit=2)
        rest = lists.listing(work, limit=2, cursor=first.next)
        assert [row.id for row in (*first.items, *rest.items)] == made[::-1]
        assert rest.next is None
    with sqlite_core.work(OPERATOR, other.number) as work:
        assert lists.listing(work).items == ()
        for verb in (
            lists.get,
            lambda w, i: lists.add_members(w, i, ["x"]),
            lambda w, i: lists.remove_members(w, i, []),
        ):
            with pytest.raises(NotFound):
                verb(work, made[0])
