"""What the closed lists mean, in words that a person understands."""

from typing import Final

REASONS: Final = {
    "no_permission": "The device does not allow notifications.",
    "unsubscribed": "The device has unsubscribed or its address is dead.",
    "category_off": "The person has switched this category off.",
    "paused_by_user": "The person has paused notifications.",
    "quiet_hours": "It was quiet hours for this person.",
    "capped": "The person has had as many pushes as the cap allows.",
    "holdout": "The person is in the holdout group.",
    "duplicate_device": "The same phone is already in this run under another registration.",
    "template_error": "The text could not be filled in for this person.",
    "too_large": "The message is larger than the provider takes.",
    "stale": "The device has not been seen for longer than the campaign allows.",
    "erased": "The person has been erased.",
    "too_late": "Its last moment had passed.",
    "missed": "It was too late for its own time when sending could begin.",
    "ttl_passed": "Its time to live had passed.",
    "worker_lost": "The sender stopped while this was on the network.",
    "timeout": "The provider did not answer in time.",
    "not_sent": "The provider could not be reached.",
    "host_not_allowed": "The push service's host is not on the allowed list.",
    "UNREGISTERED": "The app was uninstalled or the token has expired.",
    "Unregistered": "The app was uninstalled or the token has expired.",
    "ExpiredToken": "The token has expired.",
    "404": "The browser has dropped its subscription.",
    "410": "The browser has dropped its subscription.",
    "BadDeviceToken": "The token is malformed or belongs to the other environment.",
    "DeviceTokenNotForTopic": "The token belongs to another app.",
    "PayloadTooLarge": "The message is larger than the provider takes.",
    "413": "The message is larger than the provider takes.",
    "INVALID_ARGUMENT": "The provider found something in the message that it does not take.",
    "TooManyRequests": "Too many pushes went to this device in a short time.",
    "QUOTA_EXCEEDED": "More was sent than the provider's quota allows.",
    "429": "The push service asked for fewer pushes.",
    "INTERNAL": "The provider had an error of its own.",
    "InternalServerError": "The provider had an error of its own.",
    "500": "The provider had an error of its own.",
    "UNAVAILABLE": "The provider was not available.",
    "ServiceUnavailable": "The provider was not available.",
    "503": "The provider was not available.",
}

OUTCOMES: Final = {
    "retry": ("Not taken; it will be tried again", "wait"),
    "unknown": ("No answer: it may or may not have been taken", "wait"),
    "failed": ("The provider refused it", "bad"),
    "blocked": ("The provider refused our credential", "bad"),
    "skipped": ("Skipped", "plain"),
    "put_back": ("Put back to be sent again", "wait"),
}

RECEIPTS: Final = {
    "delivered": "Delivered to the device",
    "displayed": "Displayed",
    "opened": "Opened",
    "dismissed": "Dismissed",
    "action": "Button pressed",
}
