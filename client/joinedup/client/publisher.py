"""Publishing life events in three lines, as often as it takes, each under one id."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import httpx

from joinedup.client.backoff import Backoff
from joinedup.client.conversation import Answer, Conversation, Conversations, Send, Wait
from joinedup.client.errors import Refused
from joinedup.client.event_body import MAX_BATCH_EVENTS, Batch, Event, body_of, entry_of
from joinedup.client.https import trust
from joinedup.client.local_platform import LocalPlatform
from joinedup.client.publisher_token import PublisherKey
from joinedup.client.receipt import Progress, Receipt, Result
from joinedup.client.tracing import Tracing

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

T = TypeVar("T")


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
        self._conversations = Conversations(
            PublisherKey(publisher_id, key, kid),
            url,
            patience_seconds=patience_seconds,
            timeout_seconds=timeout_seconds,
            backoff=backoff or Backoff(),
        )
        self._tracing = Tracing(tracer_provider)
        self._connect()

    @classmethod
    def from_home(cls, publisher_id: str, home: str | Path | None = None) -> Self:
        """A publisher to the platform that runs on this machine, with the key it made.

        `home` is the platform's folder: JOINEDUP_HOME when left out, else build/run. Raises
        NoLocalPlatform.
        """
        platform = LocalPlatform.at(home)
        url = platform.address("events_http")
        return cls(publisher_id, key=platform.private_key(publisher_id), url=url)

    def _connect(self) -> None:
        raise NotImplementedError

    def _span(self, name: str) -> AbstractContextManager[None]:
        return self._tracing.span(name, "CLIENT", {"peer.service": "events"})


class Publisher(_Publishing):
    """Publishes life events over HTTP; safe to share between threads.

    `key` is the department's private key: a PEM file's path, or its text; `kid` is its id, needed
    by nobody. `patience_seconds` is how long one call may take in all, tries and waits together.

        publisher = Publisher("gro", key="gro.private.pem", url="http://127.0.0.1:17080")
        receipt = publisher.publish(event)

    Raises Refused when the event itself, or the caller, is not accepted; Unavailable when the
    platform could not be reached in time: then publish the same event again later.
    """

    def _connect(self) -> None:
        self._http = httpx.Client(trust_env=False, verify=trust())

    def publish(self, event: Event) -> Receipt:
        """Publish one CloudEvent and wait until the platform has it."""
        with self._span("publish life event"):
            return self._drive(self._conversations.publish(body_of(event)))

    def publish_many(
        self, events: Iterable[Event], *, batch_size: int = MAX_BATCH_EVENTS
    ) -> Iterator[Result]:
        """Publish any number of events; one result each, in their order.

        Events are taken from the iterable, and results handed out, a batch at a time. What may
        succeed later is sent again under the same id; what became of the rest is its result:
        a Receipt; Refused, for good; or Unavailable, to be published again later. Raises Refused
        only when the caller is not accepted at all.
        """
        batch = Batch(batch_size)
        for event in events:
            entry = entry_of(event)
            if not batch.takes(entry):
                yield from self._publish_batch(batch)
                batch = Batch(batch_size)
            batch.add(entry)
        yield from self._publish_batch(batch)

    def progress(self, event_id: str) -> Progress:
        """Read what became of an event of one's own."""
        return self._drive(self._conversations.progress(event_id))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _publish_batch(self, batch: Batch) -> list[Result]:
        bodies = _bodies(batch)
        if not bodies:
            return _merged(batch, [])
        with self._span("publish life events"):
            return _merged(batch, self._drive(self._conversations.publish_batch(bodies)))

    def _drive(self, conversation: Conversation[T]) -> T:
        answer: Answer = None
        try:
            while True:
                step = conversation.send(answer)
                if isinstance(step, Wait):
                    time.sleep(step.seconds)
                    answer = None
                else:
                    answer = self._send(step)
        except StopIteration as done:
            return cast("T", done.value)

    def _send(self, step: Send) -> Answer:
        try:
            return self._http.request(step.method, step.url, **_request(step))
        except httpx.TransportError as lost:
            return lost


class AsyncPublisher(_Publishing):
    """The same for asyncio; one instance publishes many events at once."""

    def _connect(self) -> None:
        self._http = httpx.AsyncClient(trust_env=False, verify=trust())

    async def publish(self, event: Event) -> Receipt:
        """Publish one CloudEvent and wait until the platform has it."""
        with self._span("publish life event"):
            return await self._drive(self._conversations.publish(body_of(event)))

    async def publish_many(
        self,
        events: Iterable[Event] | AsyncIterable[Event],
        *,
        batch_size: int = MAX_BATCH_EVENTS,
    ) -> AsyncGenerator[Result, None]:
        """Publish any number of events; one result each, in their order.

        The same as Publisher.publish_many, and the events may come from an async iterable too.
        """
        batch = Batch(batch_size)
        async for event in each_of(events):
            entry = entry_of(event)
            if not batch.takes(entry):
                for result in await self._publish_batch(batch):
                    yield result
                batch = Batch(batch_size)
            batch.add(entry)
        for result in await self._publish_batch(batch):
            yield result

    async def progress(self, event_id: str) -> Progress:
        """Read what became of an event of one's own."""
        return await self._drive(self._conversations.progress(event_id))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _publish_batch(self, batch: Batch) -> list[Result]:
        bodies = _bodies(batch)
        if not bodies:
            return _merged(batch, [])
        with self._span("publish life events"):
            return _merged(batch, await self._drive(self._conversations.publish_batch(bodies)))

    async def _drive(self, conversation: Conversation[T]) -> T:
        answer: Answer = None
        try:
            while True:
                step = conversation.send(answer)
                if isinstance(step, Wait):
                    await asyncio.sleep(step.seconds)
                    answer = None
                else:
                    answer = await self._send(step)
        except StopIteration as done:
            return cast("T", done.value)

    async def _send(self, step: Send) -> Answer:
        try:
            return await self._http.request(step.method, step.url, **_request(step))
        except httpx.TransportError as lost:
            return lost


async def each_of(events: Iterable[Event] | AsyncIterable[Event]) -> AsyncGenerator[Event, None]:
    """The events of either kind of iterable."""
    if isinstance(events, AsyncIterable):
        async for event in events:
            yield event
    else:
        for event in events:
            yield event


def _request(step: Send) -> Mapping[str, Any]:
    return {"content": step.body, "headers": step.headers, "timeout": step.timeout_seconds}


def _bodies(batch: Batch) -> list[bytes]:
    return [each for each in batch.entries if isinstance(each, bytes)]


def _merged(batch: Batch, results: list[Result]) -> list[Result]:
    """The results of what was sent, and the reasons of what could not be, in order."""
    sent = iter(results)
    return [each if isinstance(each, Refused) else next(sent) for each in batch.entries]
