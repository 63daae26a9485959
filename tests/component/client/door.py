"""An answer for the counter: takes events one by one or in batches, each once, as the door does."""

import json
from collections import Counter as Counts
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import repeat
from typing import Any

BATCH = "application/cloudevents-batch+json"


class Door:
    """Admits everything but what a test makes trouble for, by the event's own id."""

    def __init__(self) -> None:
        self.admitted: dict[str, dict[str, Any]] = {}
        self.tries: Counts[str] = Counts()
        self.batches: list[list[str]] = []
        self.trouble: dict[str, Iterator[tuple[int, dict[str, Any]]]] = {}
        self.refuses_whole: Callable[[bytes], dict[str, Any] | None] = lambda _body: None

    def __call__(self, body: bytes, headers: dict[str, str]) -> tuple[Any, ...]:
        """The answer to a request."""
        problem = self.refuses_whole(body)
        if problem is not None:
            return 400, problem
        told = json.loads(body)
        if headers["content-type"] != BATCH:
            status, document = self._one(told)
            return status, document
        self.batches.append([each["id"] for each in told])
        results = [self._item(*each) for each in enumerate(told)]
        accepted = sum(each["http_status"] == 202 for each in results)
        refused = len(results) - accepted
        return 207, {"accepted": accepted, "refused": refused, "results": results}

    def refuse(self, id_: str, status: int = 422, times: int | None = None, **problem: Any) -> None:
        """Make trouble for an event; for ever unless a number of times is given."""
        answer = (status, {"code": "event_invalid", "detail": "no", "errors": [], **problem})
        self.trouble[id_] = repeat(answer) if times is None else repeat(answer, times)

    def _item(self, index: int, event: dict[str, Any]) -> dict[str, Any]:
        status, document = self._one(event)
        if status == 202:
            return {"index": index, "http_status": status, "receipt": document}
        seconds = document.pop("retry_after_seconds", None)
        return {
            "index": index,
            "http_status": status,
            "problem": document,
            "retry_after_seconds": seconds,
        }

    def _one(self, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        id_ = event["id"]
        self.tries[id_] += 1
        if (trouble := next(self.trouble.get(id_, iter(())), None)) is not None:
            status, problem = trouble
            return status, dict(problem)
        duplicate = id_ in self.admitted
        self.admitted.setdefault(id_, event)
        event_id = sha256(id_.encode()).hexdigest()[:26]
        return 202, {
            "event_id": event_id,
            "status": f"/v1/events/{event_id}",
            "duplicate": duplicate,
        }
