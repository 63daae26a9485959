"""A sign-in provider without passwords, for loopback alone: `python -m deploy.local.sign_in PORT`.

People are put into it with `PUT /users/{sub}`; whoever opens its page picks who to be. That is
why this command binds 127.0.0.1 and nothing else, whatever a setting says.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

import uvicorn
from oidc_provider_mock import app

if TYPE_CHECKING:
    from collections.abc import Sequence
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_USAGE = "usage: python -m deploy.local.sign_in PORT"


def one_at_a_time(application: WSGIApplication) -> WSGIApplication:
    """Serve one request after the other: the provider keeps its people in plain collections.

    In several threads it fails now and then with "deque mutated during iteration".
    """
    turn = threading.Lock()

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        with turn:
            return list(application(environ, start_response))

    return serve


def serve(host: str, port: int) -> None:
    """Serve until told to stop."""
    # Its OAuth library refuses plain http otherwise, also on loopback.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    # Its access log would name who signs in.
    uvicorn.run(
        one_at_a_time(app()),
        interface="wsgi",
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
    )


def main(arguments: Sequence[str]) -> int:
    """Serve on loopback until told to stop."""
    if len(arguments) != 1 or not arguments[0].isdigit():
        print(_USAGE, file=sys.stderr)
        return 2
    serve("127.0.0.1", int(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
