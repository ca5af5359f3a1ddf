"""The closed lists of Tocsin's language. A word here is the same word in a table, a URL and a sentence."""

from enum import StrEnum


class Platform(StrEnum):
    """What the person holds."""

    IOS = "ios"
    ANDROID = "android"
    WEB = "web"


class ProviderName(StrEnum):
    """Who carries the push to the device; one platform may be reached through several."""

    APNS = "apns"
    FCM = "fcm"
    WEBPUSH = "webpush"


DEFAULT_PROVIDER: dict[Platform, ProviderName] = {
    Platform.IOS: ProviderName.APNS,
    Platform.ANDROID: ProviderName.FCM,
    Platform.WEB: ProviderName.WEBPUSH,
}


class Environment(StrEnum):
    """Which of the provider's worlds the address belongs to."""

    PRODUCTION = "production"
    SANDBOX = "sandbox"


class AddressKind(StrEnum):
    """How the provider names a device: an opaque string and what it is."""

    TOKEN = "token"
    FID = "fid"
    SUBSCRIPTION = "subscription"
    TOPIC = "topic"


class DeviceState(StrEnum):
    """Whether we may address the device at all."""

    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"
    INVALID = "invalid"


class Permission(StrEnum):
    """What the operating system or browser said when the person was asked."""

    GRANTED = "granted"
    PROVISIONAL = "provisional"
    DENIED = "denied"
    UNKNOWN = "unknown"


class CategoryKind(StrEnum):
    """How strongly a category may insist."""

    MANDATORY = "mandatory"
    INFORMATIONAL = "informational"
    MARKETING = "marketing"


class CampaignKind(StrEnum):
    """A campaign that people made, or the hidden carrier of transactional messages."""

    CAMPAIGN = "campaign"
    MESSAGE = "message"


class CampaignState(StrEnum):
    """Where a campaign is in its life."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    ARCHIVED = "archived"


class RunState(StrEnum):
    """Where one occasion of a campaign is."""

    PLANNING = "planning"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class PauseReason(StrEnum):
    """Who or what stopped a run for now."""

    MEMBER = "member"
    GUARDRAIL = "guardrail"
    CREDENTIAL = "credential"
    RESTORED = "restored"


class ChunkState(StrEnum):
    """A chunk waits, is held by one worker, or has no open row left."""

    READY = "ready"
    LEASED = "leased"
    DONE = "done"


class DeliveryState(StrEnum):
    """What became of one push to one device. What people did with it are receipts, never states."""

    PLANNED = "planned"
    SENDING = "sending"
    ACCEPTED = "accepted"
    FAILED = "failed"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


OPEN_STATES = frozenset({DeliveryState.PLANNED, DeliveryState.SENDING})


class SkipReason(StrEnum):
    """Why a device of the audience was not sent to; the value is the sentence's key everywhere."""

    NO_PERMISSION = "no_permission"
    UNSUBSCRIBED = "unsubscribed"
    CATEGORY_OFF = "category_off"
    PAUSED_BY_USER = "paused_by_user"
    QUIET_HOURS = "quiet_hours"
    CAPPED = "capped"
    HOLDOUT = "holdout"
    DUPLICATE_DEVICE = "duplicate_device"
    TEMPLATE_ERROR = "template_error"
    TOO_LARGE = "too_large"
    STALE = "stale"
    ERASED = "erased"


class EntryState(StrEnum):
    """What became of one firing of an event campaign for one user."""

    WAITING = "waiting"
    FIRED = "fired"
    CANCELLED = "cancelled"
    """The event that calls it off came in time, or the campaign ended."""
    REPEATED = "repeated"
    """The campaign has reached this user already, and does not enter again so soon."""
    MISSED = "missed"
    """Its time had passed by more than the campaign allows."""


class ApprovalState(StrEnum):
    """How far the question whether a draft may be launched has come."""

    ASKED = "asked"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class OnUnknown(StrEnum):
    """What to do when nobody can know whether the provider took the push."""

    RETRY = "retry"
    NEVER_TWICE = "never_twice"


class Priority(StrEnum):
    """How urgently the provider should wake the device."""

    NORMAL = "normal"
    HIGH = "high"


class ReceiptType(StrEnum):
    """What a device reported about a push it got."""

    DELIVERED = "delivered"
    DISPLAYED = "displayed"
    OPENED = "opened"
    DISMISSED = "dismissed"
    ACTION = "action"


class Role(StrEnum):
    """What a member may do, weakest first; each may all that the ones before it may."""

    ANALYST = "analyst"
    EDITOR = "editor"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        return list(Role).index(self)


class Scope(StrEnum):
    """What an API key may do, weakest first."""

    CLIENT = "client"
    SERVER = "server"
    ADMIN = "admin"


class CredentialStatus(StrEnum):
    """New devices bind to an active credential; a retiring one only serves those it has."""

    ACTIVE = "active"
    RETIRING = "retiring"


class HeldKind(StrEnum):
    """Who stopped a lane."""

    MEMBER = "member"
    """A member paused it."""
    PROVIDER = "provider"
    """Its provider refuses our credential or configuration."""


class TopicState(StrEnum):
    """What we know of a device's place in a topic."""

    PENDING = "pending"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    FAILED = "failed"


class LaneState(StrEnum):
    """How a lane is doing, the most telling first."""

    PAUSED = "paused"
    """A member stopped it."""
    HELD = "held"
    """Its provider refuses our credential or configuration."""
    RESTING = "resting"
    """Nobody answers: no request goes out until the next try."""
    HALF_OPEN = "half_open"
    """One request tries whether somebody answers again."""
    STALLED = "stalled"
    """Rows are due and nothing moves them."""
    SLOWED = "slowed"
    """The provider asked for less; its rate grows back."""
    WORKING = "working"
    """It sends."""
    IDLE = "idle"
    """Nothing waits."""


class ImportKind(StrEnum):
    """What the rows of a file are."""

    USERS = "users"
    DEVICES = "devices"
    LIST = "list"


class ImportState(StrEnum):
    """How far a file has come; finished, cancelled and failed ones have an end."""

    UPLOADED = "uploaded"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"
