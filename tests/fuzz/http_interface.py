"""Requests made from the service's own description of its HTTP interface, and what is wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

if TYPE_CHECKING:
    from tests.events_service import EventsService

# A batch is answered as a whole, whatever is wrong inside it.
_NOT_TAKEN: Final = ["207", "400", "401", "403", "404", "413", "415", "422"]
_PUBLISH: Final = "/v1/events"


@dataclass
class Run:
    """What was sent, how it was answered, and every finding once."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    findings: dict[str, str] = field(default_factory=dict)
    """An example of each, by check and route."""


def run(
    service: EventsService,
    document: dict[str, Any],
    publisher: str | None,
    *,
    examples: int,
    thorough: bool,
) -> Run:
    """Send what a description describes, as a publisher or as nobody, each with a fresh token.

    `thorough` also sends what is at the edges of each field of each type, one after the other.
    """
    config = {"base-url": service.url, **_config(examples, thorough=thorough)}
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(config))
    if publisher is not None:
        _sign(schema, service, publisher)
    done = Run()
    for event in from_schema(schema).execute():
        _note(event, done)
    return done


def _config(examples: int, *, thorough: bool) -> dict[str, Any]:
    edges = {"include-path": _PUBLISH, "phases": {"coverage": {"enabled": thorough}}}
    return {
        "continue-on-failure": True,
        "generation": {
            "mode": "all",
            "max-examples": examples,
            "deterministic": not thorough,
            "no-shrink": True,
        },
        "checks": {
            # An event has rules beyond its schema, and belongs to one publisher.
            "positive_data_acceptance": {"enabled": False},
            "negative_data_rejection": {"expected-statuses": _NOT_TAKEN},
        },
        "phases": {"stateful": {"enabled": False}},
        "operations": [edges],
        "request-timeout": 10,
        "cache": {"enabled": False},
    }


def _sign(schema: Any, service: EventsService, publisher: str) -> None:
    @schema.auth(refresh_interval=None)
    class _FreshToken:
        def get(self, _case: Any, _context: Any) -> str:
            return service.token(publisher)

        def set(self, case: Any, token: str, _context: Any) -> None:
            case.headers["authorization"] = f"Bearer {token}"


def _note(event: Any, done: Run) -> None:
    if isinstance(event, events.NonFatalError | events.FatalError):
        value = event.value if isinstance(event, events.NonFatalError) else event.exception
        done.findings[f"engine: {type(value).__name__}"] = str(value)
    if not isinstance(event, events.ScenarioFinished):
        return
    for interaction in event.recorder.interactions.values():
        done.cases += 1
        if interaction.response is not None:
            done.statuses[interaction.response.status_code] += 1
    for checks in event.recorder.checks.values():
        for check in checks:
            if info := check.failure_info:
                title = f"{event.label}: {check.name}: {info.failure.title}"
                done.findings.setdefault(title, f"{info.failure.message}\n{info.code_sample}")
