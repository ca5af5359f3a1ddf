"""The frame around every page: navigation, guard, title."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx
from reflex.experimental import ClientStateVar

from console import routes, theme
from console.components.layout import icon, link
from console.components.native_form import native_form
from console.components.palette import palette, palette_open
from console.routes import NAVIGATION, Place
from console.states.session import RANK, AppChoice, SessionState

NAME = "Tocsin"
SIGN_OUT_FORM = "sign-out"

drawer = ClientStateVar.create("drawer_open", default=False)


@dataclass(frozen=True, slots=True)
class Page:
    """A page as the app is told of it."""

    route: str
    title: str
    content: Callable[[], rx.Component]
    on_load: Sequence[Any]


PAGES: list[Page] = []


def page(route: str, title: str, *, on_load: Sequence[Any] = (), wide: bool = False) -> Callable[..., Any]:
    """Registers a page inside the frame; only members see it, and `on_load` runs after the guard."""

    def register(content: Callable[[], rx.Component]) -> Callable[[], rx.Component]:
        def framed() -> rx.Component:
            return frame(content(), wide=wide)

        PAGES.append(Page(route, f"{title} · {NAME}", framed, (SessionState.enter, *on_load)))
        return content

    return register


def open_page(route: str, title: str, *, on_load: Sequence[Any] = ()) -> Callable[..., Any]:
    """Registers a page that strangers may see."""

    def register(content: Callable[[], rx.Component]) -> Callable[[], rx.Component]:
        PAGES.append(Page(route, f"{title} · {NAME}", content, tuple(on_load)))
        return content

    return register


def add_pages(app: rx.App) -> None:
    """Tells the app of every registered page."""
    for entry in PAGES:
        app.add_page(entry.content, route=entry.route, title=entry.title, on_load=list(entry.on_load))


def loaded(ready: rx.Var[bool]) -> rx.Var[bool]:
    """Whether a form may be shown: not while its page still loads. What is typed then would be overtaken by what
    arrives, and a form that was open before would show first."""
    return ready & rx.State.is_hydrated


def frame(content: rx.Component, *, wide: bool) -> rx.Component:
    """Navigation and content; under 768 px the navigation is a drawer."""
    return rx.fragment(
        rx.el.a("Skip to content", href="#content", class_name="skip"),
        rx.el.div(
            _navigation(),
            rx.el.div(
                _topbar(),
                rx.el.main(content, id="content", class_name="page page-wide" if wide else "page"),
                class_name="main",
            ),
            class_name="shell",
        ),
        palette(),
        native_form(id=SIGN_OUT_FORM, action=routes.SIGN_OUT, method="post", hidden=True),
    )


def _navigation() -> rx.Component:
    return rx.el.nav(
        _app_switcher(),
        _search(),
        *[_group(group) for group in NAVIGATION],
        rx.el.div(_member_menu(), _theme_toggle(), class_name="nav-foot"),
        class_name="nav",
        aria_label="Main",
    )


def _topbar() -> rx.Component:
    return rx.el.header(
        rx.dialog.root(
            rx.dialog.trigger(_bar_button("menu", "Open navigation")),
            rx.dialog.content(
                rx.dialog.title("Navigation", class_name="visually-hidden"),
                rx.dialog.description("Where to go", class_name="visually-hidden"),
                _navigation(),
                class_name="drawer",
            ),
            open=drawer.value,
            on_open_change=drawer.set_value,
        ),
        rx.el.span(SessionState.app.name, class_name="strong truncate"),
        rx.el.span(class_name="push-right"),
        _bar_button("search", "Search", on_click=palette_open(True)),
        class_name="topbar",
    )


def _bar_button(sign: str, label: str, **props) -> rx.Component:
    return rx.el.button(icon(sign, theme.ICON + 4), type="button", aria_label=label, class_name="bar-button", **props)


def _app_switcher() -> rx.Component:
    app = SessionState.app
    return rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(
            rx.el.button(
                rx.el.span(rx.cond(app.initials != "", app.initials, NAME[0]), class_name="tile"),
                rx.el.span(rx.cond(app.name != "", app.name, NAME), class_name="strong truncate"),
                icon("chevrons-up-down", theme.ICON_SMALL, class_name="push-right muted"),
                type="button",
                class_name="nav-button",
                aria_label="Switch app",
            )
        ),
        rx.dropdown_menu.content(
            rx.foreach(SessionState.apps, _app_item),
            rx.cond(
                SessionState.me.rank >= RANK["admin"],
                rx.fragment(
                    rx.dropdown_menu.separator(),
                    rx.dropdown_menu.item(
                        icon("plus", theme.ICON_SMALL), "New app", on_select=rx.redirect(f"{routes.APPS}?new=app")
                    ),
                ),
                rx.fragment(),
            ),
            variant="soft",
            class_name="menu",
        ),
    )


def _app_item(app: rx.Var[AppChoice]) -> rx.Component:
    return rx.dropdown_menu.item(
        rx.el.span(app.name, class_name="truncate"),
        rx.cond(app.current, icon("check", theme.ICON_SMALL, class_name="push-right"), rx.fragment()),
        on_select=SessionState.open_app(app.id),
    )


def _search() -> rx.Component:
    return rx.el.button(
        icon("search", theme.ICON_SMALL),
        "Search",
        rx.el.span("⌘K", class_name="kbd"),
        type="button",
        class_name="nav-search",
        on_click=[drawer.set_value(False), *palette_open(True)],
        data_open_palette="true",
    )


def _group(group: routes.Group) -> rx.Component:
    """Under its heading the places that the member may open; no heading over nothing."""
    weakest = min(place.role.rank for place in group.places)
    items = rx.el.div(
        rx.el.div(group.label, class_name="nav-group"), *[_place(place) for place in group.places], class_name="stack-0"
    )
    return rx.cond(SessionState.me.rank >= weakest, items, rx.fragment()) if weakest else items


def _place(place: Place) -> rx.Component:
    rank = place.role.rank
    shown = rx.cond(SessionState.simulator, _item(place), rx.fragment()) if place.simulated else _item(place)
    return rx.cond(SessionState.me.rank >= rank, shown, rx.fragment()) if rank else shown


def _item(place: Place) -> rx.Component:
    here = routes.state_route(place.routes[0])
    for route in place.routes[1:]:
        here = here | routes.state_route(route)
    return link(
        icon(place.icon),
        place.label,
        to=place.href,
        class_name="nav-item",
        data_active=here,
        aria_current=rx.cond(here, "page", "false"),
        on_click=drawer.set_value(False),
    )


def _member_menu() -> rx.Component:
    me = SessionState.me
    return rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(
            rx.el.button(
                rx.el.span(me.initials, class_name="tile tile-round"),
                rx.el.span(me.name, class_name="truncate"),
                type="button",
                class_name="nav-button",
                aria_label="Account",
            )
        ),
        rx.dropdown_menu.content(
            rx.el.div(
                rx.el.div(me.email, class_name="truncate"),
                rx.el.div(me.role, class_name="muted small capitalize"),
                class_name="menu-head",
            ),
            rx.dropdown_menu.separator(),
            rx.dropdown_menu.item(
                icon("log-out", theme.ICON_SMALL),
                "Sign out",
                on_select=rx.call_script(f"document.getElementById({SIGN_OUT_FORM!r}).submit()"),
            ),
            variant="soft",
            class_name="menu",
        ),
    )


def _theme_toggle() -> rx.Component:
    return rx.el.button(
        rx.color_mode_cond(light=icon("moon"), dark=icon("sun")),
        type="button",
        class_name="nav-button nav-square",
        aria_label="Switch between light and dark",
        on_click=rx.toggle_color_mode,
    )
