"""What is said to the platform over HTTP, how often, and what its answers mean.

A conversation yields what to send and how long to wait, and is told the answers: so that one
that blocks and one that awaits are the same.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

import httpx

from joinedup.client.backoff import Backoff, retry_after
from joinedup.client.errors import Refused, Unavailable, from_problem, from_response
from joinedup.client.publisher_token import PublisherKey
from joinedup.client.receipt import Progress, Receipt, Result
from joinedup.client.tracing import TRACEPARENT, current_traceparent, describe

MEDIA_TYPE: Final = "application/cloudevents+json"
BATCH_MEDIA_TYPE: Final = "application/cloudevents-batch+json"
_PATH: Final = "/v1/events"
_TRY_AGAIN: Final = frozenset({408, 409, 425, 429})
_SERVER_ERROR: Final = 500
_UNAUTHORISED: Final = 401
_ACCEPTED: Final = 202
# Answers to a whole batch that one event in it can be the reason for.
_ABOUT_THE_CONTENT: Final = frozenset({400, 413, 422})
# To hang up on a batch early only makes the platform do the same work again.
_SECONDS_AN_EVENT: Final = 0.05

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, the same at every try."""

    method: str
    path: str
    body: bytes | None = None
    media_type: str = ""
    more_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Send:
    """Make this request."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait before going on."""

    seconds: float


Answer: TypeAlias = httpx.Response | httpx.TransportError | None
Conversation: TypeAlias = Generator[Send | Wait, Answer, T]


class Tries:
    """Counts the tries of one call, and ends them when patience does."""

    def __init__(self, backoff: Backoff, patience_seconds: float) -> None:
        self._backoff = backoff
        self._give_up = time.monotonic() + patience_seconds
        self._failed = 0

    def wait(self, trouble: str, code: str, asked: float | None) -> Wait:
        """How long to wait after a failed try; raises Unavailable when that is too long.

        `asked` are the seconds that the platform asks for.
        """
        self._failed += 1
        back_off = self._backoff.delay(self._failed)
        delay = back_off if asked is None else asked + self._backoff.delay(1)
        if time.monotonic() + delay > self._give_up:
            raise Unavailable(f"gave up after {self._failed} tries: {trouble}", code=code)
        return Wait(delay)


class Conversations:
    """All that a publisher can say; `url` is the platform's address."""

    def __init__(
        self,
        key: PublisherKey,
        url: str,
        *,
        patience_seconds: float,
        timeout_seconds: float,
        backoff: Backoff,
    ) -> None:
        self._key = key
        self._url = url.rstrip("/")
        self._patience = patience_seconds
        self._timeout = timeout_seconds
        self._backoff = backoff

    def publish(self, body: bytes) -> Conversation[Receipt]:
        """Publish one event; raises Refused or Unavailable."""
        response = yield from self._ask(_Question("POST", _PATH, body, MEDIA_TYPE), self._tries())
        receipt = self._receipt(_document(response))
        describe(event_id=receipt.event_id)
        return receipt

    def progress(self, event_id: str) -> Conversation[Progress]:
        """Read what became of an event; raises Refused or Unavailable."""
        response = yield from self._ask(_Question("GET", f"{_PATH}/{event_id}"), self._tries())
        return Progress(event_id, _document(response))

    def publish_batch(self, bodies: Sequence[bytes]) -> Conversation[list[Result]]:
        """Publish many events together, one result each; raises Refused when the caller is.

        What may succeed later is sent again, alone with its like, until no try settles any of it
        for as long as patience lasts.
        """
        results: dict[int, Result] = {}
        waiting = list(range(len(bodies)))
        tries = self._tries()
        while waiting:
            body = b"[" + b",".join(bodies[each] for each in waiting) + b"]"
            seconds = _SECONDS_AN_EVENT * len(waiting)
            question = _Question("POST", _PATH, body, BATCH_MEDIA_TYPE, seconds)
            try:
                response = yield from self._ask(question, tries)
                again = self._sort(_document(response), waiting, results)
                if len(again) < len(waiting):
                    tries = self._tries()
                if again:
                    yield tries.wait(*_reason(again))
                waiting = list(again)
            except Unavailable as gone:
                results |= dict.fromkeys(set(waiting) - results.keys(), gone)
                break
            except Refused as refused:
                if refused.status not in _ABOUT_THE_CONTENT:
                    raise
                apart = yield from self._apart([bodies[each] for each in waiting])
                results |= zip(waiting, apart, strict=True)
                break
        return [results[index] for index in range(len(bodies))]

    def _apart(self, bodies: Sequence[bytes]) -> Conversation[list[Result]]:
        """Publish what was refused as a whole, so that one bad event spoils no other."""
        if len(bodies) == 1:
            try:
                return [(yield from self.publish(bodies[0]))]
            except Refused as refused:
                if refused.status == _UNAUTHORISED:
                    raise
                return [refused]
            except Unavailable as gone:
                return [gone]
        half = len(bodies) // 2
        first = yield from self.publish_batch(bodies[:half])
        return first + (yield from self.publish_batch(bodies[half:]))

    def _sort(
        self, document: Mapping[str, Any], waiting: Sequence[int], results: dict[int, Result]
    ) -> dict[int, tuple[Refused, float | None]]:
        """Keep what is final; return what is worth another try, with the seconds asked for."""
        answers = {each.get("index"): each for each in document.get("results", ())}
        again: dict[int, tuple[Refused, float | None]] = {}
        for place, index in enumerate(waiting):
            answer = answers.get(place, {})
            status = answer.get("http_status", _SERVER_ERROR)
            if status == _ACCEPTED:
                results[index] = self._receipt(answer.get("receipt"))
                continue
            refused = from_problem(answer.get("problem"), status)
            if worth_another_try(status, refused.code):
                again[index] = (refused, answer.get("retry_after_seconds"))
            else:
                results[index] = refused
        return again

    def _ask(self, question: _Question, tries: Tries) -> Conversation[httpx.Response]:
        """Ask until the answer would stay the same; raises Refused or Unavailable."""
        url, seconds = f"{self._url}{question.path}", self._timeout + question.more_seconds
        while True:
            headers = self._headers(question.media_type)
            answer = yield Send(question.method, url, headers, question.body, seconds)
            if not isinstance(answer, httpx.Response):
                trouble = f"no answer: {type(answer).__name__}"
                yield tries.wait(trouble, "no_answer", None)
                continue
            if answer.is_success:
                return answer
            refused = from_response(answer)
            if not worth_another_try(answer.status_code, refused.code):
                raise refused
            asked = retry_after(answer.headers.get("retry-after"), time.time())
            yield tries.wait(f"{refused.code}: {refused.detail}", refused.code, asked)

    def _headers(self, media_type: str) -> Mapping[str, str]:
        # A token is good for one call: its id is new for every try.
        headers = {"authorization": f"Bearer {self._key.token(time.time())}"}
        if media_type:
            headers["content-type"] = media_type
        if traceparent := current_traceparent():
            headers[TRACEPARENT] = traceparent
        return headers

    def _receipt(self, document: Any) -> Receipt:
        try:
            status_url = f"{self._url}{document['status']}"
            return Receipt(document["event_id"], status_url, bool(document["duplicate"]))
        except (KeyError, TypeError):
            raise _unreadable() from None

    def _tries(self) -> Tries:
        return Tries(self._backoff, self._patience)


def worth_another_try(status: int, code: str) -> bool:
    """Whether the same may be answered otherwise later."""
    # A token can expire while a machine sleeps; the next try signs a new one.
    expired = status == _UNAUTHORISED and code == "token_expired"
    return expired or status in _TRY_AGAIN or status >= _SERVER_ERROR


def _reason(again: Mapping[int, tuple[Refused, float | None]]) -> tuple[str, str, float | None]:
    """Why some are sent again, and after how many seconds: the longest that was asked for."""
    refused, _ = next(iter(again.values()))
    asked = [seconds for _, seconds in again.values() if seconds is not None]
    return f"{refused.code}: {refused.detail}", refused.code, max(asked, default=None)


def _document(response: httpx.Response) -> Mapping[str, Any]:
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _unreadable()
    return found


def _unreadable() -> Unavailable:
    # Something between here and the platform answered in its place.
    return Unavailable("the answer is not one of the platform's", code="answer_unreadable")
