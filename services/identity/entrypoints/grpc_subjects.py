"""The calls about people and events: one event and many go the same way."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry.trace import get_current_span

from joinedup.identity.v1 import subjects_pb2, subjects_pb2_grpc
from services.identity import metrics
from services.identity.domain.errors import IdentityError
from services.identity.domain.life_event import LifeEvent
from services.identity.entrypoints.grpc_errors import refusal, refusals
from services.identity.entrypoints.surroundings import Servicer
from services.identity.handlers.register_person import register_person
from services.identity.handlers.resolve_life_event import (
    Resolved,
    Resolver,
    resolve_life_event,
    resolve_life_events,
)
from services.identity.wire import subjects
from services.identity.wire.values import trace_id_of
from services.kit.telemetry import context_from, current_traceparent, fail, tracer

SPAN: Final = "resolve life event"


class Subjects(Servicer, subjects_pb2_grpc.SubjectsServicer):
    """Handles, matching and cases."""

    async def Register(  # noqa: N802  # the contract's name
        self, request: subjects_pb2.RegisterRequest, _context: Any
    ) -> subjects_pb2.RegisterResponse:
        """Register a person."""
        around = self._around
        with refusals():
            registered = await register_person(
                subjects.registration_of(request, around.issuer),
                store=around.store,
                fingerprints=around.fingerprints,
                new_id=around.new_id,
                now=around.clock.now(),
                trace_id=trace_id_of(current_traceparent()),
            )
        metrics.identifiers_in_conflict(registered.conflict)
        return subjects_pb2.RegisterResponse(
            subject=registered.subject, existing=registered.existing
        )

    async def Resolve(  # noqa: N802  # the contract's name
        self, request: subjects_pb2.ResolveRequest, _context: Any
    ) -> subjects_pb2.ResolveResponse:
        """Turn the persons of an event into handles."""
        now = self._around.clock.now()
        with refusals():
            event = subjects.life_event_of(request, now)
            resolved = await resolve_life_event(event, self._resolver(), self._around.fencing, now)
        metrics.events_resolved([resolved])
        return subjects.resolve_response(resolved.resolution)

    async def ResolveBatch(  # noqa: N802  # the contract's name
        self, request: subjects_pb2.ResolveBatchRequest, _context: Any
    ) -> subjects_pb2.ResolveBatchResponse:
        """Turn the persons of many events into handles."""
        now = self._around.clock.now()
        with _event_spans([each.traceparent for each in request.events]), refusals():
            read = subjects.life_events_of(request, now)
            events = [each for each in read if isinstance(each, LifeEvent)]
            answered = iter(await resolve_life_events(events, self._resolver(), now))
        answers = [next(answered) if isinstance(each, LifeEvent) else each for each in read]
        metrics.events_resolved([each for each in answers if isinstance(each, Resolved)])
        return subjects_pb2.ResolveBatchResponse(results=map(_result, answers))

    def _resolver(self) -> Resolver:
        around = self._around
        types = around.event_types.current
        return Resolver(types, around.store, around.fingerprints, around.new_id)


def _result(answer: Resolved | IdentityError) -> subjects_pb2.ResolveResult:
    if isinstance(answer, Resolved):
        return subjects_pb2.ResolveResult(resolved=subjects.resolve_response(answer.resolution))
    code, try_again = refusal(answer)
    return subjects_pb2.ResolveResult(
        refused=subjects_pb2.ResolveRefusal(code=code, try_again=try_again)
    )


@contextmanager
def _event_spans(traceparents: Sequence[str]) -> Iterator[None]:
    """A span below each sampled trace, so that every event's own shows what was done here.

    One event alone came with its trace: the call's span is below it already.
    """
    parents = map(context_from, traceparents) if len(traceparents) > 1 else ()
    about = {"joinedup.batch_size": len(traceparents)}
    begun = [
        tracer(__name__).start_span(SPAN, context=parent, attributes=about)
        for parent in parents
        if get_current_span(parent).get_span_context().trace_flags.sampled
    ]
    try:
        yield
    except Exception as raised:
        for each in begun:
            fail(each, type(raised).__qualname__)
        raise
    finally:
        for each in begun:
            each.end()
