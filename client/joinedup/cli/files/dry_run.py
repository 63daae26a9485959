"""Looking at events as the platform would, without sending any."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from joinedup.cli.files.answered import Answered, Fits
from joinedup.cli.files.entry import Entry
from joinedup.cli.files.sending import Publishers
from joinedup.cli.home import Home, Problem
from joinedup.client.errors import Fault, Refused, Unavailable

if TYPE_CHECKING:
    from services.events.domain import faults

_SECONDS = 10.0
_NO_TYPE = Refused(
    "event_type_unknown",
    "No such event type.",
    errors=(Fault("/type", "event_type_unknown", "no such event type"),),
)

Check = Callable[[Mapping[str, Any]], list["faults.Fault"]]


class DryRun:
    """Holds events to the schemas that the platform answers, and to the rules between their parts.

    What only the platform knows is not looked at: the publisher's key, what it was sent before.
    """

    def __init__(self, home: Home, publisher: str) -> None:
        self._url = home.endpoints()["events_http"]
        self._publishers = Publishers(home, publisher)
        self._checks: dict[str, Check | None] = {}
        self._http = httpx.AsyncClient(timeout=_SECONDS, trust_env=False)

    async def send(self, entries: Sequence[Entry]) -> list[Answered]:
        """Look at entries; one answer each, in order."""
        return [await self._one(each) for each in entries]

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def _one(self, entry: Entry) -> Answered:
        if entry.fault is not None:
            return Answered(entry, "", entry.fault)
        try:
            publisher = self._publishers.of(entry)
            check = await self._check(str(entry.about.get("type")))
        except (Problem, Unavailable) as unknown:
            return Answered(entry, "", unknown)
        return Answered(entry, publisher, _NO_TYPE if check is None else _judged(check, entry))

    async def _check(self, type_name: str) -> Check | None:
        if type_name not in self._checks:
            url = f"{self._url}/v1/event-types/{quote(type_name, safe='')}"
            try:
                answer = await self._http.get(url)
            except httpx.TransportError as away:
                raise Unavailable(f"no answer: {type(away).__name__}", code="no_answer") from None
            if answer.status_code == httpx.codes.NOT_FOUND:
                self._checks[type_name] = None
            elif answer.is_success:
                self._checks[type_name] = _check_of(answer.json()["schema"])
            else:
                detail = f"the platform answered {answer.status_code}"
                raise Unavailable(detail, code=f"http_{answer.status_code}")
        return self._checks[type_name]


def _check_of(schema: Mapping[str, Any]) -> Check:
    import jsonschema_rs

    from services.events.adapters.type_schema import violation
    from services.events.domain import checks, faults, rules

    validator = jsonschema_rs.validator_for(
        dict(schema),
        offline=True,
        validate_formats=True,
        formats=dict(checks.formats(fictitious=True)),
    )

    def check(event: Mapping[str, Any]) -> list[faults.Fault]:
        broken = [
            fault
            for error in validator.iter_errors(event)
            for fault in faults.explain(violation(error), schema)
        ]
        return faults.in_order([*broken, *rules.broken_rules(event, datetime.now(UTC))])

    return check


def _judged(check: Check, entry: Entry) -> Fits | Refused:

    found = check(json.loads(entry.body))
    if not found:
        return Fits()
    codes = {each.code for each in found}
    code = codes.pop() if len(codes) == 1 else "event_invalid"
    errors = tuple(Fault(each.pointer, each.code, each.detail) for each in found)
    return Refused(code, "The event breaks rules of its type.", errors=errors)
