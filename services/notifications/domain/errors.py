"""Everything this service refuses, each as a fact."""

from enum import StrEnum


class NotificationsError(Exception):
    """Root of the tree; none of these carries a value a caller sent."""


class PromptUnknown(NotificationsError):
    """The caller has no such prompt on that channel; somebody else's is answered the same."""


class PromptWithdrawn(NotificationsError):
    """The prompt may not be opened any more; the caller is never told why."""


class PromptNotOpened(NotificationsError):
    """An answer was given to a prompt that nobody has opened."""


class NothingExplained(NotificationsError):
    """There is no decision under that id that the caller may see."""


class ContentUnavailable(NotificationsError):
    """The version of the nudge that was decided on has no texts here yet."""


class AccessLogsUnavailable(NotificationsError):
    """Identity did not take lines of access logs over; they wait."""


class CursorInvalid(NotificationsError):
    """A cursor was not made here, or not for this person."""


class PageTokenInvalid(NotificationsError):
    """A page token was not made here, or not for this person."""


class PermissionsUnavailable(NotificationsError):
    """The person's permissions cannot be read up to date: nothing is opened or sent."""


class StoreUnavailable(NotificationsError):
    """The database did not answer in time; nothing was changed, or the same call repairs it."""


class LeaseLost(NotificationsError):
    """This process may not serve: a withdrawal could have passed it by."""


class TooManyStreams(NotificationsError):
    """The person has as many live streams here as they may have."""


class FenceIncomplete(NotificationsError):
    """A content that was being written did not end in time; the fence must be asked again."""


class DecisionInvalid(NotificationsError):
    """A record that was read can never be admitted; `reason` goes with its dead letter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Closing(StrEnum):
    """Why a stream is closed from this side."""

    SLOW_READER = "slow_reader"
    LEASE_LOST = "lease_lost"
    STOPPING = "stopping"


class StreamClosed(NotificationsError):
    """A stream was closed from this side; its device resumes from its cursor and loses nothing."""

    def __init__(self, why: Closing) -> None:
        super().__init__(why)
        self.why = why
