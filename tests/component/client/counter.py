"""A real HTTP server that answers publishers as it is told to, and keeps what they sent.

Each answer is (status, document[, headers]), or makes one of the body and the headers.
"""

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

EVENT_ID = "e" * 26
ACCEPTED = (202, {"event_id": EVENT_ID, "status": f"/v1/events/{EVENT_ID}", "duplicate": False})


class Counter:
    """Where departments hand in their events; the last answer is given for ever."""

    def __init__(self, key: ECKey) -> None:
        self.key = key
        self.answers: deque[Any] = deque()
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        counter = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                counter.serve(self)

            def do_GET(self) -> None:
                counter.serve(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("content-length", 0)))
        headers = {k.lower(): v for k, v in request.headers.items()}
        self.bodies.append(body)
        self.headers.append(headers)
        self.paths.append(request.path)
        answer = self._next()
        status, document, *more = answer(body, headers) if callable(answer) else answer
        if status is None:
            # The connection is lost after the request was read: was it taken or not?
            request.close_connection = True
            return
        body = json.dumps(document).encode()
        request.send_response(status)
        for name, value in (more[0] if more else {}).items():
            request.send_header(name, value)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def token_ids(self) -> list[str]:
        """The id of each token that was shown."""
        tokens = [each["authorization"].removeprefix("Bearer ") for each in self.headers]
        return [jwt.decode(each, self.key, ["ES256"]).claims["jti"] for each in tokens]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()

    def _next(self):
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
