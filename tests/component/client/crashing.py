"""A connection and a publisher that end their process, as far as a test goes, at a given step."""

from collections.abc import Iterator
from typing import Any


class Crash(BaseException):
    """The process is gone: nothing after this is done, nothing is tidied up."""


class Steps:
    """Counts what is done, and crashes at one of them; `at` 0 never."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.done = 0

    def step(self) -> None:
        """One more thing is about to be done, or has just been."""
        self.done += 1
        if self.at and self.done >= self.at:
            raise Crash


class CrashingConnection:
    """Crashes before or after anything that the real connection does."""

    def __init__(self, real: Any, steps: Steps) -> None:
        self._real = real
        self._steps = steps

    @property
    def in_transaction(self) -> bool:
        return bool(self._real.in_transaction)

    def cursor(self) -> Any:
        return _Cursor(self._real.cursor(), self._steps)

    def commit(self) -> None:
        self._steps.step()
        self._real.commit()
        self._steps.step()

    def rollback(self) -> None:
        # A process that is gone rolls nothing back: the database does when it notices.
        self._steps.step()
        self._real.rollback()


class _Cursor:
    def __init__(self, real: Any, steps: Steps) -> None:
        self._real = real
        self._steps = steps

    def execute(self, *arguments: Any) -> None:
        self._steps.step()
        self._real.execute(*arguments)
        self._steps.step()

    def fetchall(self) -> Any:
        return self._real.fetchall()

    def close(self) -> None:
        self._real.close()


class CrashingPublisher:
    """Crashes before anything is sent, after each answer, and after all of them."""

    def __init__(self, real: Any, steps: Steps) -> None:
        self._real = real
        self._steps = steps

    def publish_many(self, events: Any, **options: Any) -> Iterator[Any]:
        self._steps.step()
        for result in self._real.publish_many(events, **options):
            yield result
            self._steps.step()
