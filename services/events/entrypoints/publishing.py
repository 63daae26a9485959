"""What every way of publishing works with, so that all of them admit and count alike."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from opentelemetry import trace

from services.events import metrics
from services.events.domain.admission import Assertion, Receipt, Submission
from services.events.domain.errors import EventsError
from services.events.handlers.admit_life_events import Answer
from services.events.handlers.keep_to_rate import Rates
from services.events.ports import Admissions

Admit = Callable[[Sequence[Submission]], Awaitable[list[Answer]]]


@dataclass(frozen=True)
class Publishing:
    """`believe` reads an Authorization header, or raises NotAuthenticated.

    `still_believed` says of somebody believed earlier whether that holds now. Events that come one
    by one do not stand behind those that come in numbers: `admit` is for the former, `admit_many`
    for the latter.
    """

    admit: Admit
    admit_many: Admit
    admissions: Admissions
    rates: Rates
    believe: Callable[[str | None], Assertion]
    still_believed: Callable[[Assertion], bool]
    monotonic: Callable[[], float]

    async def admit_one(self, submission: Submission) -> Receipt:
        """Admit an event within its request's span; raises EventsError."""
        (answer,) = await self._counted(self.admit, [submission])
        if isinstance(answer, EventsError):
            raise answer
        span = trace.get_current_span()
        span.set_attribute("joinedup.event_id", answer.event_id)
        span.set_attribute("joinedup.duplicate", answer.duplicate)
        return answer

    async def admit_all(self, submissions: Sequence[Submission]) -> list[Answer]:
        """Admit events, each with its answer, in their order."""
        return await self._counted(self.admit_many, submissions)

    async def _counted(self, admit: Admit, submissions: Sequence[Submission]) -> list[Answer]:
        started = self.monotonic()
        answers = await admit(submissions)
        metrics.admissions(answers, self.monotonic() - started)
        return answers
