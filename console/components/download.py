"""A link to a file: the browser fetches it itself, past the console's own navigation."""

import reflex as rx
from reflex_components_core.el.elements.base import BaseHTML


class DownloadLink(BaseHTML):
    """`<a download>` as the browser knows it; Reflex's own link would look for a page of that name."""

    tag = "a"
    href: rx.Var[str]
    download: rx.Var[bool]


def download_link(*children, href, class_name: str = "link", **props) -> rx.Component:
    return DownloadLink.create(*children, href=href, download=True, class_name=class_name, **props)
