"""What can go wrong, named as facts.

NudgesError
├── DateUnreadable            a record's date is none: the record can never be decided
└── PermissionsUnavailable    nobody can say what the person permits right now: try again
"""


class NudgesError(Exception):
    """The base of this service's errors."""


class DateUnreadable(NudgesError):
    """A date that is not of the form 2026, 2026-11 or 2026-11-18, or no day of the calendar."""


class PermissionsUnavailable(NudgesError):
    """The view is too old and identity does not answer; `code` is the status it gave."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
