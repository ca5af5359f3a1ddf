"""A picture's bytes, judged by what they are: its kind and size, and a copy of our own that is safe to show."""

import io
import struct
import threading
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from backend.domain.picture import Picture, PictureType
from backend.errors import Invalid

MOST_PIXELS: Final = 30_000_000
"""A picture is unpacked to 4 bytes a pixel, whatever it weighs on the way."""
COPY: Final = (1200, 1200)
_TYPES: Final = tuple(kind.upper() for kind in PictureType)
_TWO_IN_ONE: Final = "MPO"
"""What Pillow calls a JPEG behind which a camera has put a second, smaller picture; phones show the first."""
_SIDEWAYS: Final = range(5, 9)
"""EXIF orientations in which width and height change places."""
_BOMB: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_BROKEN: Final = (OSError, SyntaxError, ValueError, EOFError, struct.error, ArithmeticError, LookupError, TypeError)
"""What Pillow raises over bytes that lie about themselves."""
_FOREIGN: Final = (
    (b"<svg", "is an SVG drawing, which no notification shows; use JPEG or PNG"),
    (b"<!doctype html", "is a web page, not a picture"),
    (b"<html", "is a web page, not a picture"),
    (b"%pdf", "is a PDF, not a picture"),
    (b"ftypavif", "is AVIF, which phones do not show in notifications; use JPEG or PNG"),
    (b"ftyphei", "is HEIC, which phones do not show in notifications; use JPEG or PNG"),
    (b"ftyp", "is a video, not a picture"),
)
_one_at_a_time = threading.Lock()


def read(body: bytes, declared: str = "") -> tuple[Picture, bytes]:
    """What the bytes are, and a WebP of at most 1200 × 1200 without anything but pixels. Raises `Invalid` for `url`."""
    with _one_at_a_time:
        try:
            with Image.open(io.BytesIO(body), formats=_TYPES) as image:
                return _facts(image, len(body), declared), _copy(image)
        except UnidentifiedImageError as error:
            raise Invalid("url", _foreign(body)) from error
        except _BOMB as error:
            raise Invalid("url", _too_large()) from error
        except _BROKEN as error:
            raise Invalid("url", "is a damaged picture: it cannot be read to its end") from error


def _facts(image: Image.Image, size: int, declared: str) -> Picture:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise Invalid("url", f"{_too_large()}: {width} × {height}")
    if image.getexif().get(0x0112) in _SIDEWAYS:
        width, height = height, width
    kind = PictureType.JPEG if image.format == _TWO_IN_ONE else PictureType(str(image.format).lower())
    moves = kind is not PictureType.JPEG and bool(getattr(image, "is_animated", False))
    return Picture(kind, size, width, height, moves, declared)


def _copy(image: Image.Image) -> bytes:
    image.draft("RGB", COPY)
    image.thumbnail(COPY)  # before anything makes another copy of all its pixels
    upright = ImageOps.exif_transpose(image)
    shows_through = upright.has_transparency_data
    made = io.BytesIO()
    pixels = upright.convert("RGBA" if shows_through else "RGB")
    pixels.save(made, "WEBP", quality=82, method=2, exif=b"", xmp=b"", icc_profile=b"")
    return made.getvalue()


def _too_large() -> str:
    return f"unpacks to more than {MOST_PIXELS // 1_000_000} million pixels"


def _foreign(body: bytes) -> str:
    head = body[:1024].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    told = (sentence for mark, sentence in _FOREIGN if mark in head)
    return next(told, "is not a picture that can be read; use JPEG or PNG" if head else "is empty")
