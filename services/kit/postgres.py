"""Connections to PostgreSQL whose transactions travel in few packets."""

from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, AsyncPipeline


class Connection(AsyncConnection[tuple[Any, ...]]):
    """A connection whose pipeline sends when an answer is wanted, or at its end.

    psycopg's own sends each statement by itself, and so wakes the server once for every one: at
    a dozen short statements a transaction that costs more than the statements do.
    """

    @asynccontextmanager
    async def pipeline(self) -> AsyncIterator[AsyncPipeline]:
        """Statements gather in the client's buffer until one of them is fetched."""
        async with super().pipeline() as pipeline:
            # The one place where psycopg 3.3 sends a statement that nobody waits for yet.
            pipeline._communicate_gen = lambda: _gather(pipeline)  # type: ignore[method-assign]  # noqa: SLF001
            yield pipeline


def _gather(pipeline: AsyncPipeline) -> Generator[Any, Any, None]:
    while pipeline.command_queue:
        pipeline.command_queue.popleft()()
    yield from ()
