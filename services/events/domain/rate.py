"""How much a publisher may send: a steady rate, and a store of it for busy moments."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Events a second in the long run, and how many may come at once after a quiet time."""

    events_per_second: int = 2000
    burst: int = 4000


@dataclass
class Allowance:
    """A bucket that fills at the rate and holds the burst (a token bucket)."""

    limits: Limits
    left: float
    at: float

    @classmethod
    def full(cls, limits: Limits, at: float) -> "Allowance":
        """The allowance of somebody not seen before, at a moment in seconds."""
        return cls(limits, float(limits.burst), at)

    def take(self, events: int, at: float) -> float:
        """Take as many at a moment in seconds; 0.0 when there were enough, else the wait for them.

        Where there are not enough, none are taken. What is larger than the burst is taken when the
        bucket is full, and leaves it in debt: nobody is refused for ever.
        """
        filled = self.left + (at - self.at) * self.limits.events_per_second
        self.left, self.at = min(float(self.limits.burst), filled), at
        missing = min(events, self.limits.burst) - self.left
        if missing > 0:
            return missing / self.limits.events_per_second
        self.left -= events
        return 0.0
