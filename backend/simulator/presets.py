"""Weathers that have a name: the command line, the control routes and the console offer them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Preset:
    """Some knobs, and what they come to; all other knobs are at their defaults."""

    title: str
    says: str
    knobs: Mapping[str, Any]


PRESETS: Mapping[str, Preset] = {
    "well": Preset("All is well", "Every good push is accepted at once.", {}),
    "errors": Preset(
        "5% temporary errors",
        "One push in twenty is answered 429, 500 or 503, some with Retry-After.",
        {
            "mix": {
                "apns": {"429/TooManyRequests": 0.05},
                "fcm": {"500/INTERNAL": 0.02, "503/UNAVAILABLE": 0.02, "503/UNAVAILABLE@12": 0.01},
                "webpush": {"429/@5": 0.02, "503/201@5": 0.02, "500/999": 0.01},
            }
        },
    ),
    "resets": Preset(
        "Resets after accept",
        "One push in a hundred is accepted, then reset; one in five hundred takes its whole connection with it.",
        {"reset_after_accept": 0.01, "hang_up_after_accept": 0.002},
    ),
    "goaways": Preset(
        "Connections retired often",
        "Each connection says GOAWAY after 50 requests, and one request in a hundred is refused unseen.",
        {"goaway_every": 50, "refuse": 0.01},
    ),
    "slow": Preset(
        "Slow providers", "Each answer takes one to three seconds.", {"latency_ms": 1_000.0, "jitter_ms": 2_000.0}
    ),
    "down": Preset("Down for 60 s", "Nobody listens at any provider for a minute.", {"down_seconds": 60.0}),
    "tokens": Preset(
        "Tokens expire",
        "Provider tokens count as expired after 20 minutes, access tokens after 30 seconds, whatever was announced.",
        {"provider_token_seconds": 1_200.0, "access_token_seconds": 30, "access_token_announced": 3_599},
    ),
    "refused": Preset(
        "Credentials refused",
        "Apple does not believe the token, Google has switched the service off: lanes are held.",
        {"mix": {"apns": {"403/InvalidProviderToken": 1.0}, "fcm": {"403/SERVICE_DISABLED": 1.0}}},
    ),
    "gone": Preset(
        "Many addresses gone",
        "Three pushes in ten meet a device that has been gone for a day: pruning must grow suspicious.",
        {
            "mix": {
                "apns": {"410/Unregistered": 0.3},
                "fcm": {"404/UNREGISTERED": 0.3},
                "webpush": {"410/106": 0.3},
            },
            "gone_seconds": 86_400.0,
        },
    ),
    "quota": Preset(
        "Quotas used up",
        "FCM takes 600 messages a minute, each device at each provider two.",
        {"fcm_per_minute": 600, "device_per_minute": 2},
    ),
    "clock": Preset(
        "Clocks apart",
        "The providers' clocks are 15 minutes ahead of ours: tokens are too old, or not valid yet.",
        {"clock_skew_seconds": 900.0},
    ),
}
