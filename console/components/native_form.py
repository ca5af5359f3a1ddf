"""A real HTML form post: Reflex's own forms always stay on the page, and only a response can set an HttpOnly cookie."""

import reflex as rx
from reflex_components_core.el.elements.base import BaseHTML


class NativeForm(BaseHTML):
    """`<form>` as the browser knows it."""

    tag = "form"
    action: rx.Var[str]
    method: rx.Var[str]


native_form = NativeForm.create
