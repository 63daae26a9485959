"""The ways in, each of which can carry an event and says in the same words what became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote

import grpc
from google.protobuf import json_format
from google.rpc import error_details_pb2

from joinedup.events.v1 import life_events_pb2 as pb
from joinedup.events.v1.life_events_pb2_grpc import LifeEventsStub
from services.events.wire_publishing import json_form
from services.kit.rpc_status import details_of, reason_of
from tests.typed_event import typed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.events_service import EventsService

BATCH: Final = "application/cloudevents-batch+json"
SECONDS: Final = 15


@dataclass(frozen=True)
class Outcome:
    """What a publisher learns of one event; all but the first two is for a refused one."""

    event_id: str = ""
    duplicate: bool = False
    code: str = ""
    detail: str = ""
    faults: tuple[tuple[str, str, str], ...] = ()


class Way(Protocol):
    """One way in."""

    name: str

    def carries(self, told: Mapping[str, Any]) -> bool:
        """Whether an event of this form, right or wrong, can be sent this way at all."""

    def publish(self, told: Mapping[str, Any], publisher: str) -> Outcome:
        """Send it, with a fresh token."""


class Structured:
    """HTTP, one event a request, all of it in the body."""

    name = "HTTP structured"

    def __init__(self, service: EventsService) -> None:
        self._service = service

    def carries(self, told: Mapping[str, Any]) -> bool:
        return True

    def publish(self, told: Mapping[str, Any], publisher: str) -> Outcome:
        return self.publish_text(json.dumps(told).encode(), publisher)

    def publish_text(self, text: bytes, publisher: str) -> Outcome:
        return _of_http(self._service.publish(text, publisher).json())


class Batched(Structured):
    """HTTP, a batch of one."""

    name = "HTTP batch"

    def publish_text(self, text: bytes, publisher: str) -> Outcome:
        headers = {"content-type": BATCH}
        answer = self._service.publish(b"[" + text + b"]", publisher, **headers).json()
        (result,) = answer["results"]
        return _of_http(result.get("receipt") or result["problem"])


class Binary(Structured):
    """HTTP, the attributes in headers: they must be texts, and there must be data."""

    name = "HTTP binary"

    def carries(self, told: Mapping[str, Any]) -> bool:
        attributes = {name: each for name, each in told.items() if name != "data"}
        return (
            "data" in told
            and "specversion" in told
            and attributes.pop("datacontenttype", "application/json") == "application/json"
            and all(isinstance(each, str) for each in attributes.values())
            and all(name.isascii() and name.isalnum() for name in attributes)
        )

    def publish(self, told: Mapping[str, Any], publisher: str) -> Outcome:
        headers = {
            f"ce-{name}": quote(each, safe=" :/+.")
            for name, each in told.items()
            if name not in {"data", "datacontenttype"}
        }
        headers["content-type"] = "application/json"
        body = json.dumps(told["data"]).encode()
        return _of_http(self._service.publish(body, publisher, **headers).json())


class Typed:
    """gRPC, field by field: what the contract has no field for, it cannot carry."""

    name = "gRPC typed"

    def __init__(self, service: EventsService, stub: LifeEventsStub) -> None:
        self._service = service
        self._stub = stub

    def carries(self, told: Mapping[str, Any]) -> bool:
        plain = {name: each for name, each in told.items() if name != "datacontenttype"}
        try:
            return told.get("datacontenttype", "application/json") == "application/json" and (
                json.dumps(json_form(typed(told)), sort_keys=True)
                == json.dumps(plain, sort_keys=True)
            )
        except (json_format.ParseError, TypeError, ValueError, AttributeError):
            return False

    def publish(self, told: Mapping[str, Any], publisher: str) -> Outcome:
        return self._send(pb.PublishRequest(life_event=typed(told)), publisher)

    def _send(self, request: pb.PublishRequest, publisher: str) -> Outcome:
        metadata = self._service.metadata(publisher)
        try:
            receipt = self._stub.Publish(request, timeout=SECONDS, metadata=metadata)
        except grpc.RpcError as error:
            bad = details_of(error, error_details_pb2.BadRequest)
            told = bad.field_violations if bad is not None else ()
            faults = tuple((each.field, each.reason, each.description) for each in told)
            return Outcome(code=reason_of(error) or "", detail=error.details() or "", faults=faults)
        return Outcome(receipt.event_id, receipt.duplicate)


class Json(Typed):
    """gRPC, the JSON form as bytes."""

    name = "gRPC JSON"

    def carries(self, told: Mapping[str, Any]) -> bool:
        return True

    def publish(self, told: Mapping[str, Any], publisher: str) -> Outcome:
        return self.publish_text(json.dumps(told).encode(), publisher)

    def publish_text(self, text: bytes, publisher: str) -> Outcome:
        return self._send(pb.PublishRequest(cloud_event_json=text), publisher)


class Streamed(Json):
    """gRPC, a stream of one event."""

    name = "gRPC stream"

    def publish_text(self, text: bytes, publisher: str) -> Outcome:
        request = pb.PublishStreamRequest(number=1, cloud_event_json=text)
        metadata = self._service.metadata(publisher)
        (answer,) = self._stub.PublishStream(iter([request]), timeout=SECONDS, metadata=metadata)
        if answer.HasField("accepted"):
            return Outcome(answer.accepted.event_id, answer.accepted.duplicate)
        told = answer.refused
        faults = tuple((each.pointer, each.code, each.detail) for each in told.faults)
        return Outcome(code=told.code, detail=told.detail, faults=faults)


_HTTP: Final[tuple[Callable[[EventsService], Way], ...]] = (Structured, Batched, Binary)
_GRPC: Final[tuple[Callable[[EventsService, LifeEventsStub], Way], ...]] = (Typed, Json, Streamed)


def ways(service: EventsService, stub: LifeEventsStub) -> list[Way]:
    """Every way in; the first carries whatever can be said at all."""
    return [*(way(service) for way in _HTTP), *(way(service, stub) for way in _GRPC)]


def _of_http(document: Mapping[str, Any]) -> Outcome:
    if "event_id" in document:
        return Outcome(document["event_id"], document["duplicate"])
    told = document["errors"]
    faults = tuple((each["pointer"], each["code"], each["detail"]) for each in told)
    return Outcome(code=document["code"], detail=document["detail"], faults=faults)
