"""`joinedup publishers token`: a token for whoever tries things out by hand."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from joinedup.cli.home import Problem, here
from joinedup.cli.output import AsJson, emit, fail
from joinedup.client import PublisherKey
from joinedup.client.publisher_token import LIFETIME_SECONDS, LONGEST_LIFETIME_SECONDS


def token(
    publisher: Annotated[str, typer.Argument(metavar="ID", help="The publisher, e.g. sandbox.")],
    *,
    jti: Annotated[
        str,
        typer.Option(
            metavar="ID",
            help="The token's id; on a topic of one's own that is the event's. A new one if left "
            "out.",
        ),
    ] = "",
    seconds: Annotated[
        int, typer.Option(min=1, max=LONGEST_LIFETIME_SECONDS, help="How long it is good.")
    ] = LIFETIME_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Sign a token that is good for one call, with the publisher's key of this home.

    It goes into the header `authorization: Bearer TOKEN`, over HTTP, gRPC and Kafka alike.
    Programs sign their own: any JWT library does it, ES256, with the claims iss (the publisher),
    aud (joinedup-events), iat, exp (at most five minutes on) and jti (once).

    **Example**: `joinedup publishers token sandbox`
    """
    try:
        key = PublisherKey(publisher, here().publisher_key(publisher))
    except Problem as problem:
        raise fail(problem, as_json=as_json) from problem
    now = time.time()
    signed = key.token(now, jti=jti or None, lifetime_seconds=seconds)
    if as_json:
        emit({"token": signed, "expires_at": int(now) + seconds})
    else:
        typer.echo(signed)
