"""How far the composer's steps are, as its pages show it."""

import json
from collections.abc import Sequence
from datetime import datetime

import reflex as rx

from backend.errors import FieldError
from console import words
from console.core import core
from console.rows import steps as rows
from console.rows.experiment import VariantLine, variant_lines
from console.rows.steps import Marks, Whom
from console.words import NEVER, When


class StepsState(rx.State):
    """Judged anew whenever something is saved, refused or counted. It has no handlers: other states tell it."""

    marks: Marks = Marks()
    variants: tuple[VariantLine, ...] = ()
    saved_at: When = NEVER
    _whom: Whom = Whom()
    _typed: str = "{}"
    _saved: str = "{}"
    _errors: tuple[FieldError, ...] = ()
    _state: str = "draft"

    def _judge(self, typed: str, saved: str, errors: Sequence[FieldError], state: str):
        """After a save or its refusal; both definitions as JSON."""
        self._typed, self._saved, self._errors, self._state = typed, saved, tuple(errors), state
        self._mark()

    def _counted(self, whom: Whom):
        """After the audience was counted, or could not be saved."""
        self._whom = whom
        self._mark()

    def _kept(self, at: datetime, zone: str):
        """When what is shown was saved."""
        self.saved_at = When(words.clock(at, zone)[:5], words.when(at, zone, core().clock()).exact)

    def _mark(self):
        typed, saved, now = json.loads(self._typed), json.loads(self._saved), core().clock()
        if saved:
            self.variants = variant_lines(typed)
            self.marks = rows.marks(typed, saved, self._errors, self._whom, state=self._state, now=now)
