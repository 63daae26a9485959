"""A journey is one trace, and nothing personal stands in what the platform says of itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.command_line import AsProcess
from tests.end_to_end.people import write
from tests.telemetry.journey import (
    Marked,
    edges,
    orphans,
    records,
    services_of,
    telemetry,
    whole_trace,
)

if TYPE_CHECKING:
    from deploy.local.platform import Platform

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(180)]

SERVICES = frozenset({"events", "identity", "nudges", "notifications"})
TOKEN = re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\.")  # header and payload of a JWT


@dataclass(frozen=True, slots=True)
class Journey:
    """What a marked journey left."""

    marked: Marked
    event_id: str
    trace: list[dict[str, Any]]
    title: str
    said: dict[str, str]
    records: list[Any]

    @property
    def handle(self) -> str:
        """The mother's handle, as the log has it."""
        (handle,) = {
            each.key.decode()
            for each in self.records
            if each.topic == "life-events.v1" and self.event_id in str(each.headers)
        }
        return str(handle)


@pytest.fixture(scope="module")
def journey(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Journey:
    joinedup, marked = AsProcess(platform.home), Marked()
    folder = tmp_path_factory.mktemp("journey")
    joinedup("people", "add", write(folder, "people.jsonl", marked.line()))
    joinedup("permissions", "give", "family", "hmrc", "--as", marked.parent.sub)
    refused = joinedup("publish", write(folder, "bad.jsonl", marked.refused()), "--json")
    assert refused.code == 1
    published = joinedup("publish", write(folder, "birth.jsonl", marked.birth()), "--json")
    event_id = published.document["event_id"]
    listened = joinedup(
        *("listen", "--as", marked.parent.sub, "--count", 1, "--seconds", 30), "--json"
    )
    joinedup("permissions", "withdraw", "family", "hmrc", "--as", marked.parent.sub)
    trace_id = joinedup("why", event_id, "--json").document["trace_id"]
    trace = whole_trace(platform, trace_id, SERVICES)
    return Journey(
        *(marked, event_id, trace, listened.document["title"]),
        said=telemetry(platform, trace_id),
        records=records(platform),
    )


def test_a_journey_is_one_trace_over_every_service(journey: Journey) -> None:
    assert services_of(journey.trace) >= SERVICES
    assert orphans(journey.trace) == []
    assert sum("parentId" not in each for each in journey.trace) == 1


def test_each_service_leads_on_to_the_next(journey: Journey) -> None:
    expected = {("events", "identity"), ("events", "nudges"), ("nudges", "notifications")}

    assert expected <= edges(journey.trace)


def test_no_personal_value_stands_in_logs_metrics_or_spans(journey: Journey) -> None:
    assert journey.event_id in journey.said["spans"]  # the search sees what is there
    values = {**journey.marked.values, "handle": journey.handle, "prompt's title": journey.title}

    found = [
        f"{what} in {where}"
        for where, text in journey.said.items()
        for what, value in values.items()
        if squeezed(value) in squeezed(text)
    ]

    assert found == []


def test_no_token_stands_in_logs_metrics_or_spans(journey: Journey) -> None:
    assert [where for where, text in journey.said.items() if TOKEN.search(text)] == []


def test_no_name_or_identifier_reaches_the_log(journey: Journey) -> None:
    assert journey.records
    personal = {what: v for what, v in journey.marked.values.items() if what != "sign-in"}

    found = [
        f"{what} on {record.topic}"
        for record in journey.records
        for what, value in personal.items()
        if squeezed(value) in squeezed(f"{record.key!r}{record.value!r}{record.headers!r}")
    ]

    assert found == []


def test_a_handle_is_the_only_key(journey: Journey) -> None:
    # What a publisher writes to its own topic is its own: the key there is looked at by nobody.
    ours = (each for each in journey.records if not each.topic.startswith("inbound-events."))
    keys = {each.key for each in ours if not each.topic.endswith("dead-letter")}

    assert all(re.fullmatch(rb"[a-z2-7]{26}", key) for key in keys)


def squeezed(text: str) -> str:
    """Text without spaces and case."""
    return "".join(text.split()).casefold()
