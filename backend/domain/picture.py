"""What each platform makes of a picture: whether it is shown, and what of it is lost.

Apple: UNNotificationAttachment (JPEG, GIF, PNG; 10 MB). Firebase: 1 MB, no moving pictures on Android.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from backend.domain.vocabulary import Platform

MB: Final = 1_000_000
IOS_MOST: Final = 10 * MB
ANDROID_MOST: Final = MB
LEAST: Final = (512, 256)
"""Smaller ones are blown up when they are shown large."""
BEST: Final = 2.0
"""Width by height: Android and Chrome cut the rest away."""
TOLERATED: Final = 0.2
"""So much of the picture may be cut away before it is worth a word."""


class PictureType(StrEnum):
    """What a picture's bytes are."""

    JPEG = "jpeg"
    PNG = "png"
    GIF = "gif"
    WEBP = "webp"
    BMP = "bmp"

    @property
    def word(self) -> str:
        return "WebP" if self is PictureType.WEBP else self.upper()


class Level(StrEnum):
    """How much a remark matters."""

    OK = "ok"
    ADVICE = "advice"
    """It is shown, but not at its best."""
    ERROR = "error"
    """It is not shown: the notification comes without it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it stands: its bytes, upright size in pixels, and `declared`, what its server calls it."""

    type: PictureType
    bytes: int
    width: int
    height: int
    animated: bool = False
    declared: str = ""

    @property
    def ratio(self) -> str:
        """Width to height in small numbers: `2:1`, `16:9`, about."""
        near = Fraction(self.width, self.height).limit_denominator(20)
        return f"{near.numerator}:{near.denominator}" if near else f"1:{self.height // self.width}"


@dataclass(frozen=True, slots=True)
class PictureVerdict:
    """What one platform does with a picture, in words."""

    platform: Platform
    level: Level
    text: str


def verdicts(picture: Picture) -> tuple[PictureVerdict, ...]:
    """One for each platform; errors come before advice."""
    said = {Platform.IOS: _ios(picture), Platform.ANDROID: _android(picture), Platform.WEB: _web(picture)}
    return tuple(_verdict(platform, remarks, picture) for platform, remarks in said.items())


@dataclass(frozen=True, slots=True)
class _Remarks:
    """`who` shows it, what to say when all is well, what keeps it from being shown, and what it loses."""

    who: str
    well: str
    errors: list[str]
    advice: list[str]


def _verdict(platform: Platform, said: _Remarks, picture: Picture) -> PictureVerdict:
    if said.errors:
        return PictureVerdict(platform, Level.ERROR, " ".join(said.errors))
    advice = [*said.advice, *_blurred(picture, said.who), *_misnamed(picture, said.who)]
    if advice:
        return PictureVerdict(platform, Level.ADVICE, " ".join(advice))
    return PictureVerdict(platform, Level.OK, said.well)


def _ios(picture: Picture) -> _Remarks:
    errors = []
    if picture.type not in (PictureType.JPEG, PictureType.PNG, PictureType.GIF):
        errors.append(f"iOS shows JPEG, PNG and GIF, not {picture.type.word}.")
    if picture.bytes > IOS_MOST:
        errors.append("iOS takes at most 10 MB.")
    plays = picture.animated and picture.type is PictureType.GIF
    return _Remarks("iOS", "iOS plays it." if plays else "iOS shows it.", errors, [])


def _android(picture: Picture) -> _Remarks:
    errors = []
    if picture.bytes > ANDROID_MOST:
        errors.append(f"Android drops pictures over 1 MB; this one has {picture.bytes / MB:.1f} MB.")
    still = ["Android shows a GIF as a still picture, on some phones not at all; use JPEG or PNG."]
    advice = still if picture.type is PictureType.GIF else _still(picture, "Android")
    return _Remarks("Android", "Android shows it.", errors, [*advice, *_cut(picture, "Android")])


def _web(picture: Picture) -> _Remarks:
    advice = [*_still(picture, "Chrome"), *_cut(picture, "Chrome")]
    return _Remarks("Chrome", "Chrome and Edge show it; Safari and Firefox show no picture.", [], advice)


def _still(picture: Picture, who: str) -> list[str]:
    return [f"{who} shows only the first picture of a moving one."] if picture.animated else []


def _cut(picture: Picture, who: str) -> list[str]:
    ratio = picture.width / picture.height
    lost = 1 - min(ratio / BEST, BEST / ratio)
    if lost <= TOLERATED:
        return []
    where = "top and bottom" if ratio < BEST else "the sides"
    return [f"{who} cuts it to 2:1: {lost:.0%} of it is lost at {where}."]


def _blurred(picture: Picture, who: str) -> list[str]:
    width, height = LEAST
    if picture.width >= width and picture.height >= height:
        return []
    return [f"It is small and looks blurred on {who}; use at least {width} × {height}."]


def _misnamed(picture: Picture, who: str) -> list[str]:
    kind = picture.declared.partition(";")[0].strip().lower()
    if kind.startswith("image/"):
        return []
    told = f"calls it {kind[:40]}" if kind else "does not say what it is"
    return [f"Its server {told}; {who} may not show it."]
