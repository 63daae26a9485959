"""The JSON documents that departments read, as they are described to them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from services.events.domain.admission import Progress
from services.events.domain.event_type import EventType

EVENT_ID = "26 lower-case letters and digits, the same for every try"


class Fault(BaseModel):
    """One thing wrong with an event."""

    pointer: str = Field(description="RFC 6901 pointer into the body")
    code: str
    detail: str


class ProblemDocument(BaseModel):
    """An RFC 9457 problem; no part of it repeats what was sent."""

    type: str = Field(examples=["urn:joinedup:problem:field_required"])
    title: str
    status: int
    code: str = Field(description="for programs; the faults' own where they share one")
    detail: str = Field(description="what is wrong, and what to do")
    errors: list[Fault]
    trace_id: str = Field(description="tell it to us when you ask")


class ReceiptDocument(BaseModel):
    """The platform has the event and will not lose it."""

    event_id: str = Field(description=EVENT_ID, examples=["y6jfnjucygtfgspbqljcjrykzi"])
    status: str = Field(
        description="where to follow the event",
        examples=["/v1/events/y6jfnjucygtfgspbqljcjrykzi"],
    )
    duplicate: bool = Field(description="whether the platform had the event already")


class BatchResultDocument(BaseModel):
    """What became of one event of a batch: a receipt, or a problem."""

    index: int = Field(description="its place in the batch, from 0")
    http_status: int = Field(description="what it would have been answered by itself")
    receipt: ReceiptDocument | None = None
    problem: ProblemDocument | None = None
    retry_after_seconds: int | None = Field(
        default=None, description="when to send the same event again; null where it makes no sense"
    )


class BatchDocument(BaseModel):
    """What became of each event of a batch; the good ones came in whatever the others are."""

    accepted: int
    refused: int
    results: list[BatchResultDocument] = Field(description="one for each event, in their order")


class SimulatedDocument(BaseModel):
    """What would have become of a prompt to a simulated person."""

    role: str = Field(description="the person's role in the event")
    outcome: Literal["delivered", "declined", "unreachable"]


class ProgressDocument(BaseModel):
    """How far one of your own events has come; what follows is not told, and never about whom."""

    event_id: str = Field(description=EVENT_ID)
    id: str = Field(description="your own id of it")
    source: str = Field(description="the source you named")
    type: str = Field(description="its type")
    status: Literal["admitted", "on_the_log", "decided"] = Field(
        description="admitted: not yet promised; on_the_log: will not be lost; decided: done"
    )
    received_at: datetime = Field(description="when it was first received")
    simulated: list[SimulatedDocument] | None = Field(
        default=None, description="in the sandbox only: what would have become of its prompts"
    )


class EventTypeSummary(BaseModel):
    """One type in the list."""

    type: str
    title: dict[str, str] = Field(description="in English (en) and Welsh (cy)")
    description: str
    publishers: list[str] = Field(description="ids of those who may send it")
    nations: list[str]
    href: str = Field(description="where all of it stands")


class EventTypesDocument(BaseModel):
    """Every type of life event."""

    event_types: list[EventTypeSummary]


class EventTypeDocument(EventTypeSummary):
    """All of one type."""

    lawful_basis: dict[str, str] = Field(description="why the platform may process it")
    sensitivity: str
    retention_days: int = Field(description="how long a personal record keeps what it fed")
    coverage: dict[str, Any] = Field(description="what the source covers, and how late it is")
    roles: dict[str, Any] = Field(description="who an event names; concerned: gets a record")
    fences: dict[str, str] | None = Field(description="what goes silent before the answer")
    corrections: dict[str, str] = Field(
        description="what each later statement about an entry does to the prompts that came of it"
    )
    on_log: list[str] = Field(description="facts that decisions may use; no other leaves the door")
    event_schema: dict[str, Any] = Field(
        serialization_alias="schema", description="JSON Schema 2020-12 of the whole CloudEvent"
    )
    examples: list[dict[str, Any]] = Field(description="golden events, with invented people")


def progress_document(progress: Progress) -> ProgressDocument:
    """The answer to whoever follows an event."""
    return ProgressDocument(
        event_id=progress.event_id,
        id=progress.id,
        source=progress.source,
        type=progress.type,
        status=progress.status.value,
        received_at=progress.received_at,
        simulated=[
            SimulatedDocument.model_validate({"role": role, "outcome": outcome})
            for role, outcome in sorted(progress.simulated.items())
        ]
        or None,
    )


def summary(event_type: EventType) -> EventTypeSummary:
    """A type in the list."""
    return EventTypeSummary(**_shared(event_type))


def whole(
    event_type: EventType, schema: Mapping[str, Any], examples: list[dict[str, Any]]
) -> EventTypeDocument:
    """All of a type."""
    entry = event_type.entry
    return EventTypeDocument(
        **_shared(event_type),
        lawful_basis=entry["lawful_basis"],
        sensitivity=entry["sensitivity"],
        retention_days=entry["retention_days"],
        coverage=entry["coverage"],
        roles=entry["roles"],
        fences=entry.get("fences"),
        corrections=entry["corrections"],
        on_log=sorted(event_type.on_log),
        event_schema=dict(schema),
        examples=examples,
    )


def _shared(event_type: EventType) -> dict[str, Any]:
    return {
        "type": event_type.name,
        "title": event_type.entry["title"],
        "description": event_type.entry["description"],
        "publishers": sorted(event_type.publishers),
        "nations": list(event_type.nations),
        "href": f"/v1/event-types/{event_type.name}",
    }
