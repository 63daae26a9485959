"""Every process's probe port: is it alive, is it ready, and its metrics."""

import json
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

TIMEOUT_SECONDS: Final = 5.0
_JSON: Final = "application/json"


class Probe:
    """A small HTTP server on a daemon thread, so that a busy event loop still answers.

    Ready means that every declared condition was met and none was taken back.
    """

    def __init__(
        self,
        host: str,
        port: int,
        conditions: Iterable[str] = (),
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self._conditions = dict.fromkeys(conditions, False)
        self._lock = threading.Lock()
        self._registry = registry
        self._address = (host, port)
        self._server: ThreadingHTTPServer | None = None

    @property
    def port(self) -> int:
        """The port it listens on, also when 0 asked for any."""
        return int(self._server.server_address[1]) if self._server else self._address[1]

    def start(self) -> None:
        """Listen; raises OSError when the port is taken."""
        self._server = ThreadingHTTPServer(self._address, _handler(self))
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="probe", daemon=True
        ).start()

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def ready(self, name: str) -> None:
        """A declared condition is met; raises KeyError for one that was not declared."""
        self._set(name, met=True)

    def not_ready(self, name: str) -> None:
        """A declared condition is no longer met."""
        self._set(name, met=False)

    def conditions(self) -> dict[str, bool]:
        """Each condition, and whether it is met."""
        with self._lock:
            return dict(self._conditions)

    def is_ready(self) -> bool:
        """Whether all conditions are met."""
        return all(self.conditions().values())

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, media type and body for a path."""
        if path == "/health/live":
            return 200, _JSON, b'{"status":"live"}'
        if path == "/health/ready":
            conditions = self.conditions()
            ready = all(conditions.values())
            body = {"status": "ready" if ready else "not_ready", "conditions": conditions}
            return 200 if ready else 503, _JSON, json.dumps(body).encode()
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(self._registry)
        return 404, _JSON, b'{"status":"not_found"}'

    def _set(self, name: str, *, met: bool) -> None:
        with self._lock:
            if name not in self._conditions:
                raise KeyError(name)
            self._conditions[name] = met


def _handler(probe: Probe) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = TIMEOUT_SECONDS
        server_version = "probe"
        sys_version = ""

        def do_GET(self) -> None:
            status, media_type, body = probe.answer(self.path.partition("?")[0])
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            """A probe is asked every second; its log would drown the rest."""

    return Handler
