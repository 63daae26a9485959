"""One JSON line a log record, with allow-listed fields and nothing a caller could have put there.

The line shows a record's template, never its arguments: our own events are constant words, and a
library's arguments (addresses, keys, statements) are not ours to publish.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, TextIO

from opentelemetry import trace

from services.kit.telemetry_attributes import ALLOWED_ATTRIBUTES

# Fields of `extra=`: the span attributes with their prefix left off, and a few of a process's own.
ALLOWED_FIELDS: Final = frozenset(
    {name.removeprefix("joinedup.") for name in ALLOWED_ATTRIBUTES if name.startswith("joinedup.")}
    | {
        "address",
        "applied",
        "attempt",
        "code",
        "condition",
        "count",
        "event_id",
        "file",
        "group",
        "lag",
        "method",
        "offset",
        "partition",
        "pid",
        "port",
        "problems",
        "retry_in_seconds",
        "revision",
        "route",
        "seconds",
        "signal",
        "state",
        "status",
        "target",
        "topic",
    }
)

OURS: Final = ("services.", "deploy.", "demo.", "joinedup.")
QUIET_SECONDS: Final = 10.0


class JsonLine(logging.Formatter):
    """A record as one line of JSON."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "event": str(record.msg),
        }
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            line["trace_id"] = trace.format_trace_id(span.trace_id)
            line["span_id"] = trace.format_span_id(span.span_id)
        line.update({k: v for k, v in record.__dict__.items() if k in ALLOWED_FIELDS})
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = f"{record.exc_info[0].__module__}.{record.exc_info[0].__qualname__}"
            line["at"] = _location(record.exc_info[2])
        return json.dumps(line, ensure_ascii=False, default=_type_name)


class OncePerWhile(logging.Filter):
    """Lets a library say the same thing once in ten seconds, and counts what it kept back.

    A broker that is away makes aiokafka write seventy lines a second.
    """

    def __init__(self, quiet_seconds: float = QUIET_SECONDS) -> None:
        super().__init__()
        self._quiet = quiet_seconds
        self._last: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record may be written; ours always may."""
        if record.name.startswith(OURS):
            return True
        key = (record.name, f"{record.pathname}:{record.lineno}")
        last, kept_back = self._last.get(key, (float("-inf"), 0))
        if record.created - last < self._quiet:
            self._last[key] = (last, kept_back + 1)
            return False
        if kept_back:
            record.count = kept_back + 1
        self._last[key] = (record.created, 0)
        return True


def configure(service: str, level: str = "info", stream: TextIO | None = None) -> None:
    """Send every record to the stream (standard error) as JSON lines; may be called again."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLine(service))
    handler.addFilter(OncePerWhile())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for ours in OURS:
        logging.getLogger(ours.removesuffix(".")).setLevel(level.upper())


def _location(traceback: TracebackType | None) -> str:
    """Where it was raised, and where our own code last stood on the way there."""
    deepest = ours = ""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        deepest = f"{code.co_filename}:{traceback.tb_lineno} in {code.co_name}"
        if "site-packages" not in code.co_filename:
            ours = deepest
        traceback = traceback.tb_next
    return ours if ours == deepest else f"{ours} > {deepest}".removeprefix(" > ")


def _type_name(value: object) -> str:
    return type(value).__name__
