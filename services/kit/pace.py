"""How long to rest between batches, so that what a batch costs is shared by more records."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """A record that comes alone goes at once; what comes within the rest after it goes together.

    The rest is counted from a batch's beginning, in seconds. Where it brought many records, the
    next one is long: a busy machine then has fewer batches to work on, and quiet ones stay quick.
    """

    seconds: float
    long_seconds: float
    many: int

    def rest_after(self, records: int, most: int) -> float:
        """The rest after a batch of so many records; none after a full one, or after nothing.

        A full batch has shared enough already, and more than it is waiting.
        """
        if not 0 < records < most:
            return 0.0
        return self.seconds if records < self.many else self.long_seconds


BRISK = Pace(seconds=0.05, long_seconds=0.2, many=10)
"""At hand within a twentieth of a second up to 200 records a second, within a fifth from there."""

RESTLESS = Pace(seconds=0.0, long_seconds=0.0, many=1)
