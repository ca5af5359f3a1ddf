"""Under a picture's address: what it is, and what each platform does with it."""

import reflex as rx

from console import theme
from console.components.draft import draft_var, held_var, pictures_var
from console.components.layout import icon
from console.components.watch import watch
from console.states.pictures import PictureState

PAUSE = 600
"""Milliseconds without another letter, before an address is asked for."""
ADDRESSES = r"""/"(?:image|icon|badge_icon)":"(https:[^"]+)"/gi"""
LEVELS = {"ok": ("check", theme.GOOD), "advice": ("triangle-alert", theme.CARE), "error": ("circle-x", theme.BAD)}


def pictures_watch() -> rx.Component:
    """Once on a page: has the server look at every picture that the draft names, and that the chosen person would get,
    when typing pauses."""
    said = f"[{draft_var.value!s}?.contents, {held_var.value!s}?.exact]"
    data = rx.vars.VarData.merge(draft_var.value._get_all_var_data(), held_var.value._get_all_var_data())
    found = f"[...JSON.stringify({said}).matchAll({ADDRESSES})].map((_one) => _one[1])"
    named = rx.Var(found, _var_data=data).to(list[str])
    return watch(named.join(" "), PictureState.look(named).debounce(PAUSE))


def picture_facts(url: rx.Var[str]) -> rx.Component:
    """Nothing for an empty address, and for one with variables a word that it differs by person."""
    address = rx.Var(f"({url!s} ?? '').trim()", _var_data=url._get_all_var_data()).to(str)
    known = rx.cond(
        _known(address, "src", str) != "",
        _facts(address),
        rx.cond(_known(address, "problem", str) != "", _problem(address), _looking(address)),
    )
    differs = rx.el.div("Differs by person: choose one in the preview to see theirs.", class_name="field-help")
    shown = rx.cond(address.contains("{{") | address.contains("{%"), differs, known)
    return rx.cond(address != "", rx.el.div(shown, class_name="picture-facts", aria_live="polite"), rx.fragment())


def _known(address: rx.Var[str], name: str, kind: type) -> rx.Var:
    """What is known of the picture there, as `rows.pictures.told` says it."""
    held, nothing = pictures_var.value, {str: "''", bool: "false"}.get(kind, "[]")
    data = rx.vars.VarData.merge(held._get_all_var_data(), address._get_all_var_data())
    return rx.Var(f"({held!s}?.[{address!s}]?.{name} ?? {nothing})", _var_data=data).to(kind)


def _facts(address: rx.Var[str]) -> rx.Component:
    verdicts = _known(address, "verdicts", list[dict[str, str]])
    return rx.el.div(
        rx.el.img(src=_known(address, "src", str), alt="The picture", class_name="picture-thumb"),
        rx.el.div(
            rx.el.div(_known(address, "text", str), class_name="small strong tnum"),
            rx.el.ul(rx.foreach(verdicts, _verdict), class_name="picture-verdicts"),
            class_name="picture-said",
        ),
        class_name="picture-row",
    )


def _verdict(one: rx.Var[dict[str, str]]) -> rx.Component:
    signs = [(level, icon(sign, theme.ICON_SMALL)) for level, (sign, _) in LEVELS.items()]
    tones = [(level, tone) for level, (_, tone) in LEVELS.items()]
    return rx.el.li(
        rx.el.span(rx.match(one["level"], *signs, rx.fragment()), data_tone=rx.match(one["level"], *tones, "")),
        rx.el.span(one["text"]),
    )


def _problem(address: rx.Var[str]) -> rx.Component:
    again = rx.el.button("Look again", type="button", class_name="picture-again", on_click=PictureState.again(address))
    return rx.el.div(
        rx.el.span(icon("triangle-alert", theme.ICON_SMALL), data_tone=theme.CARE),
        rx.el.span(_known(address, "problem", str), " ", again),
        class_name="picture-problem small",
    )


def _looking(address: rx.Var[str]) -> rx.Component:
    waiting = rx.el.div(
        rx.el.span(class_name="skeleton picture-thumb"),
        rx.el.span("Looking at the picture…", class_name="muted small"),
        class_name="picture-row",
        role="status",
    )
    return rx.cond(_known(address, "checking", bool), waiting, rx.fragment())
