"""The right to serve: held for a while only, so that silence ends it."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

from services.notifications.domain.errors import LeaseLost

_CONFIRMED_MOST: Final = 200_000


class ServingLease:
    """Whether this process may stream, open and claim.

    identity counts a process whose lease ran out as closed, without asking it. So the lease is
    measured here by monotonic seconds from before it was asked for: it ends here first, whatever
    the network did to the answer.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._until = float("-inf")
        self._term = 0

    @property
    def alive(self) -> bool:
        """Whether it holds at this moment."""
        return self._monotonic() < self._until

    @property
    def term(self) -> int:
        """Counts the leases that began; what was learned in an earlier one may be out of date."""
        return self._term

    def remaining_seconds(self) -> float:
        """How long it holds without being renewed; 0 when it does not."""
        return max(0.0, self._until - self._monotonic())

    def begin(self, asked_at: float, seconds: float) -> None:
        """A lease was granted anew; `asked_at` is from before asking, in monotonic seconds."""
        self._term += 1
        self._until = asked_at + seconds

    def renew(self, asked_at: float, seconds: float) -> None:
        """The lease lives on; one that has ended meanwhile does not come back to life."""
        if self.alive:
            self._until = max(self._until, asked_at + seconds)

    def end(self) -> None:
        """It holds no longer."""
        self._until = float("-inf")

    def require(self, term: int | None = None) -> None:
        """Raise LeaseLost unless it holds at this moment, and still in that term if one is given.

        What was confirmed in one term must not be acted on in the next.
        """
        if not self.alive or term not in {None, self._term}:
            raise LeaseLost


class Confirmed:
    """The people whose permissions this process has read from identity in this term of its lease.

    While the process holds no lease, withdrawals take effect without it, and nobody may have
    told the shared gate rows. So within a term a person's rows count only once they were read
    through; from then on every change is fenced here before it is acknowledged. Reading only the
    people with a live stream would not do: an inbox can be opened without one.
    """

    def __init__(self, lease: ServingLease) -> None:
        self._lease = lease
        self._term = lease.term
        self._known: OrderedDict[str, None] = OrderedDict()

    def missing(self, subjects: Iterable[str]) -> list[str]:
        """Those who must be read through first."""
        self._forget_earlier_terms()
        return [subject for subject in dict.fromkeys(subjects) if subject not in self._known]

    def add(self, subjects: Iterable[str], term: int) -> None:
        """They were read through, asked for in that term."""
        self._forget_earlier_terms()
        if term != self._term:
            return
        for subject in subjects:
            self._known[subject] = None
            self._known.move_to_end(subject)
        while len(self._known) > _CONFIRMED_MOST:
            self._known.popitem(last=False)

    def _forget_earlier_terms(self) -> None:
        if self._term != self._lease.term:
            self._term = self._lease.term
            self._known.clear()
