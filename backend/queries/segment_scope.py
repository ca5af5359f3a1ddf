"""What segment rules are compiled with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.domain.segment import Group


@dataclass(frozen=True, slots=True)
class CategoryFact:
    """What a category rule needs to know."""

    id: int
    always: bool
    """Mandatory, or archived: what was said on it does not count."""
    opted_in_by_default: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """The instant, the app, the database, and what ids and slugs stand for; `whole` when everybody is asked."""

    now: datetime
    app_id: int
    sqlite: bool
    segments: Mapping[str, Group]
    numbers: Mapping[str, int]
    categories: Mapping[str, CategoryFact]
    whole: bool = False

    def since(self, days: float) -> datetime:
        return self.now - timedelta(days=days)
