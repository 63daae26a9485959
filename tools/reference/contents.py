"""The first page of docs/reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.reference.markdown import page, table

if TYPE_CHECKING:
    from tools.reference.contracts import Contracts


def text(_contracts: Contracts) -> str:
    """The page."""
    return page(
        "Reference",
        "Made from what the platform itself reads or serves, and checked by `make test`; after a "
        "change, `make reference` makes it anew.",
        table(
            ("page", "for whoever asks"),
            (
                (
                    "[event-types.md](event-types.md)",
                    "what can be published, with every field and an example",
                ),
                ("[errors.md](errors.md)", "what a code means, and what to do"),
                ("[http.md](http.md)", "how to publish over HTTP"),
                ("[grpc.md](grpc.md)", "which calls there are, who may call them, what they carry"),
                ("[topics.md](topics.md)", "what stands on Kafka, who writes and who reads it"),
                ("[asyncapi.yaml](asyncapi.yaml)", "the same for programs, as AsyncAPI 3.0"),
                ("[cli.md](cli.md)", "what `joinedup` can do"),
            ),
        ),
    )
