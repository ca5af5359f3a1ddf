"""How much of a push each phone and browser shows: the one table that the preview is drawn from and tested against.

iOS: Braze's measured rules (title 1 line; lock screen and notification centre 4 lines of body, banner 2, expanded 7).
Android: the platform's own templates (collapsed and heads-up: one line each; big text: 8 lines; big picture: the
picture and one line). Windows: app notifications show up to 2 lines of title and 4 of text. Safari: one line of
title, and 84 characters of body are two lines of a 344-point banner; opened, a banner grows.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """What one platform shows in one state.

    `title`, `subtitle` and `body` are lines, 0 for what is not shown at all; `pictured` the lines of the
    body beside a large picture. `picture` is its form: `thumb`, `full` or none. `buttons` is how many are seen.
    `name` is what people call the state there, `told` what a drawing cannot say.
    """

    name: str
    title: int = 1
    subtitle: int = 0
    body: int = 1
    pictured: int = 0
    picture: str = ""
    buttons: int = 0
    told: str = ""


STATES = (("lock", "Lock screen"), ("banner", "Banner"), ("expanded", "Expanded"), ("centre", "Centre"))

ROOMS: dict[str, dict[str, Room]] = {
    "ios": {
        "lock": Room("lock screen", subtitle=1, body=4, picture="thumb"),
        "banner": Room("banner", subtitle=1, body=2, picture="thumb"),
        "expanded": Room("expanded", subtitle=1, body=7, pictured=7, picture="full", buttons=4),
        "centre": Room("notification centre", subtitle=1, body=4, picture="thumb"),
    },
    "android": {
        "lock": Room("lock screen", picture="thumb"),
        "banner": Room("heads-up", picture="thumb", buttons=3, told="Pops up when its channel's importance is high."),
        "expanded": Room("expanded", body=8, pictured=1, picture="full", buttons=3),
        "centre": Room("notification shade", picture="thumb"),
    },
    "chrome": {
        "lock": Room("locked", title=0, body=0, told="A locked PC shows nothing; it waits in the notification centre."),
        "banner": Room("toast", title=2, body=4, pictured=4, picture="full", buttons=2),
        "expanded": Room(
            "toast",
            title=2,
            body=4,
            pictured=4,
            picture="full",
            buttons=2,
            told="Windows shows the whole toast at once.",
        ),
        "centre": Room("notification centre", title=2, body=4, told="Picture and buttons open with the arrow."),
    },
    "safari": {
        "lock": Room(
            "lock screen", body=2, told="macOS shows the words on a locked Mac when previews are set to Always."
        ),
        "banner": Room("banner", body=2),
        "expanded": Room("expanded", body=6, buttons=2, told="The buttons open under Options."),
        "centre": Room("notification centre", body=2),
    },
}
