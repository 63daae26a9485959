"""Publishing a life event in three lines, as often as it takes, under one id."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from joinedup.client.backoff import Backoff, retry_after
from joinedup.client.errors import Unavailable, from_response
from joinedup.client.https import trust
from joinedup.client.publisher_token import PublisherKey
from joinedup.client.tracing import TRACEPARENT, Tracing, current_traceparent, describe

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

MEDIA_TYPE: Final = "application/cloudevents+json"
_TRY_AGAIN: Final = frozenset({408, 409, 425, 429})
_SERVER_ERROR: Final = 500
_UNAUTHORISED: Final = 401


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform has the event and will not lose it."""

    event_id: str
    """The platform's own id, the same for every try."""
    status_url: str
    """Where its publisher can read what became of it."""
    duplicate: bool
    """True when the platform had it already."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an event of one's own has come."""

    event_id: str
    document: Mapping[str, Any]
    """The platform's whole answer."""


@dataclass(frozen=True, slots=True)
class _Send:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class _Wait:
    seconds: float


_Answer = httpx.Response | httpx.TransportError | None
_Conversation = Generator[_Send | _Wait, _Answer, httpx.Response]


class _Publishing:
    """What both publishers share: everything but the waiting itself."""

    def __init__(
        self,
        publisher_id: str,
        *,
        key: str | bytes | Path,
        url: str,
        kid: str | None = None,
        patience_seconds: float = 30.0,
        timeout_seconds: float = 10.0,
        backoff: Backoff | None = None,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        self.publisher_id = publisher_id
        self._key = PublisherKey(publisher_id, key, kid or f"{publisher_id}-1")
        self._url = url.rstrip("/")
        self._patience = patience_seconds
        self._timeout = timeout_seconds
        self._backoff = backoff or Backoff()
        self._tracing = Tracing(tracer_provider)
        self._connect()

    def _connect(self) -> None:
        raise NotImplementedError

    def _publish(self, event: Mapping[str, Any]) -> _Conversation:
        # Serialised once: every try carries the same bytes, so the platform sees one event.
        body = json.dumps(event, ensure_ascii=False, allow_nan=False).encode()
        return self._converse("POST", f"{self._url}/v1/events", body)

    def _progress(self, event_id: str) -> _Conversation:
        return self._converse("GET", f"{self._url}/v1/events/{event_id}", None)

    def _receipt(self, response: httpx.Response) -> Receipt:
        answer = response.json()
        describe(event_id=str(answer["event_id"]))
        status_url = f"{self._url}{answer['status']}"
        return Receipt(answer["event_id"], status_url, bool(answer["duplicate"]))

    def _converse(self, method: str, url: str, body: bytes | None) -> _Conversation:
        give_up = time.monotonic() + self._patience
        tries = 0
        while True:
            tries += 1
            answer = yield _Send(method, url, self._headers(body), body)
            if isinstance(answer, httpx.Response):
                if answer.is_success:
                    return answer
                refused = from_response(answer)
                if not _worth_another_try(answer.status_code, refused.code):
                    raise refused
                asked = retry_after(answer.headers.get("retry-after"), time.time())
                trouble, code = f"{refused.code}: {refused.detail}", refused.code
            else:
                asked, trouble, code = None, f"no answer: {type(answer).__name__}", "no_answer"
            delay = self._backoff.delay(tries) if asked is None else asked + self._backoff.delay(1)
            if time.monotonic() + delay > give_up:
                raise Unavailable(f"gave up after {tries} tries: {trouble}", code=code)
            yield _Wait(delay)

    def _headers(self, body: bytes | None) -> Mapping[str, str]:
        # A token is good for one call: its id is new for every try.
        headers = {"authorization": f"Bearer {self._key.token(time.time())}"}
        if body is not None:
            headers["content-type"] = MEDIA_TYPE
        if traceparent := current_traceparent():
            headers[TRACEPARENT] = traceparent
        return headers


class Publisher(_Publishing):
    """Publishes life events over HTTP; safe to share between threads.

    `key` is the department's private key: a PEM file's path, or its text. `patience_seconds` is
    how long one call may take in all, tries and waits together.

        publisher = Publisher("gro", key="gro.private.pem", url="http://127.0.0.1:17080")
        receipt = publisher.publish(event)

    Raises Refused when the event itself, or the caller, is not accepted; Unavailable when the
    platform could not be reached in time: then publish the same event again later.
    """

    def _connect(self) -> None:
        self._http = httpx.Client(timeout=self._timeout, trust_env=False, verify=trust())

    def publish(self, event: Mapping[str, Any]) -> Receipt:
        """Publish one CloudEvent and wait until the platform has it."""
        with self._tracing.span("publish life event", "CLIENT", {"peer.service": "events"}):
            return self._receipt(self._drive(self._publish(event)))

    def progress(self, event_id: str) -> Progress:
        """Read what became of an event of one's own."""
        return Progress(event_id, self._drive(self._progress(event_id)).json())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _drive(self, conversation: _Conversation) -> httpx.Response:
        answer: _Answer = None
        while True:
            try:
                step = conversation.send(answer)
            except StopIteration as done:
                return _answered(done)
            answer = None
            if isinstance(step, _Wait):
                time.sleep(step.seconds)
                continue
            try:
                answer = self._http.request(
                    step.method, step.url, content=step.body, headers=step.headers
                )
            except httpx.TransportError as lost:
                answer = lost


class AsyncPublisher(_Publishing):
    """The same for asyncio; one instance publishes many events at once."""

    def _connect(self) -> None:
        self._http = httpx.AsyncClient(timeout=self._timeout, trust_env=False, verify=trust())

    async def publish(self, event: Mapping[str, Any]) -> Receipt:
        """Publish one CloudEvent and wait until the platform has it."""
        with self._tracing.span("publish life event", "CLIENT", {"peer.service": "events"}):
            return self._receipt(await self._drive(self._publish(event)))

    async def progress(self, event_id: str) -> Progress:
        """Read what became of an event of one's own."""
        return Progress(event_id, (await self._drive(self._progress(event_id))).json())

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _drive(self, conversation: _Conversation) -> httpx.Response:
        answer: _Answer = None
        while True:
            try:
                step = conversation.send(answer)
            except StopIteration as done:
                return _answered(done)
            answer = None
            if isinstance(step, _Wait):
                await asyncio.sleep(step.seconds)
                continue
            try:
                answer = await self._http.request(
                    step.method, step.url, content=step.body, headers=step.headers
                )
            except httpx.TransportError as lost:
                answer = lost


def _worth_another_try(status: int, code: str) -> bool:
    # A token can expire while a machine sleeps; the next try signs a new one.
    expired = status == _UNAUTHORISED and code == "token_expired"
    return expired or status in _TRY_AGAIN or status >= _SERVER_ERROR


def _answered(done: StopIteration) -> httpx.Response:
    response = done.value
    if not isinstance(response, httpx.Response):
        raise TypeError("a conversation ends with a response")
    return response
