"""Any websocket client may call any handler: so each one asks who is calling, and strangers learn nothing."""

import importlib
import inspect

import pytest

from backend.domain.vocabulary import Role
from tests.console.conftest import states

# The guard itself: it can only say who one is, or send one to the sign-in page.
OPEN = {"SessionState.enter"}


@pytest.fixture(autouse=True)
def running_app(console):
    """Everything that the served application has registered."""
    return importlib.import_module("console.console").app


def handlers():
    found = [
        (f"{cls.__name__}.{name}", cls, handler)
        for cls in states()
        for name, handler in cls.event_handlers.items()
        if name != "setvar" and cls.__name__ + "." + name not in OPEN
    ]
    assert len(found) > 50
    return found


def test_every_handler_carries_a_role():
    bare = [name for name, _cls, handler in handlers() if not isinstance(getattr(handler.fn, "requires", None), Role)]
    assert not bare


def test_no_handler_can_be_reached_by_reflex_own_setter():
    """`setvar` calls any `set_…` of a state by name, with a value of the caller's choice."""
    reachable = [f"{cls.__name__}.{name}" for cls in states() for name in vars(cls) if name.startswith("set_")]
    assert not reachable


async def test_a_stranger_is_turned_away_by_every_handler(visitor):
    stranger = visitor(None)
    for name, _cls, handler in handlers():
        wanted = len(inspect.signature(handler.fn).parameters) - 1
        answers = await stranger.do(handler, *[""] * wanted)
        assert len(answers) == 1, name
        assert "/login" in str(answers[0]), name


async def test_an_analyst_is_refused_what_editors_and_admins_may(visitor):
    analyst = visitor(Role.ANALYST)
    for name, _cls, handler in handlers():
        if handler.fn.requires.rank > Role.ANALYST.rank:
            wanted = len(inspect.signature(handler.fn).parameters) - 1
            answers = await analyst.do(handler, *[""] * wanted)
            assert len(answers) == 1, name
            assert "role does not allow" in str(answers[0]), name


async def test_strangers_are_sent_nothing_but_defaults(visitor):
    """Reflex sends all public values of all states to whoever connects, on the sign-in page too."""
    stranger, fresh = visitor(None), visitor(None)
    for _name, _cls, handler in handlers():
        await stranger.do(handler, *[""] * (len(inspect.signature(handler.fn).parameters) - 1))
    for cls in states():
        seen, default = await stranger.state(cls), await fresh.state(cls)
        assert {name: repr(getattr(seen, name)) for name in cls.base_vars} == {
            name: repr(getattr(default, name)) for name in cls.base_vars
        }


def test_states_stay_small():
    for cls in states():
        assert len(cls.__annotations__) <= 12, cls.__name__
        assert len(inspect.getsource(cls).splitlines()) <= 120, cls.__name__


def test_no_computed_value_is_sent():
    """A computed value would be worked out for every visitor, so none may read the database: there are none."""
    computed = {f"{cls.__name__}.{name}" for cls in states() for name in cls.computed_vars if name in vars(cls)}
    assert not computed


def test_pages_are_guarded(running_app):
    from console.shell import PAGES
    from console.states.session import SessionState

    open_pages = {page.route for page in PAGES if SessionState.enter not in page.on_load}
    assert open_pages == {"/login", "/setup"}
