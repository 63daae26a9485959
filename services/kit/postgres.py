"""Connections to PostgreSQL whose transactions travel in few packets."""

from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from typing import Any, Final

from psycopg import AsyncConnection, AsyncPipeline, OperationalError, errors
from psycopg.generators import send
from psycopg.pq import PipelineStatus

# For whom every statement goes by keys. Its plan does not depend on the values, so it is made once;
# and it goes by keys also where it was made while its tables were small: a scan of a table that has
# grown since would take longer with every event. Nothing is compiled: the compiler goes by the
# price of a plan, which is out of all proportion where one of these had to be taken all the same.
PLAN_BY_KEYS: Final = (
    "-c plan_cache_mode=force_generic_plan -c jit=off"
    " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
)


# What is said where a database cannot be asked now: it is away; it has ended this session, also
# because its client stood still for too long in a transaction (psycopg counts that as an error
# inside of the server); it is a standby; or it is being restored and has not all of its tables yet.
AWAY: Final = (
    OperationalError,
    errors.IdleInTransactionSessionTimeout,
    errors.InsufficientPrivilege,
    errors.ReadOnlySqlTransaction,
    errors.UndefinedTable,
)


class Connection(AsyncConnection[tuple[Any, ...]]):
    """A connection whose pipeline sends when an answer is wanted, or at its end.

    psycopg's own sends each statement by itself, and so wakes the server once for every one: at
    a dozen short statements a transaction that costs more than the statements do.
    """

    @asynccontextmanager
    async def pipeline(self) -> AsyncIterator[AsyncPipeline]:
        """Statements gather in the client's buffer until one of them is fetched.

        From then until the next ones are sent the server knows that it waits for its client, and
        ends a session in which a transaction waits for too long. Use it around a transaction.

        A connection that is still in pipeline mode behind the outermost one is closed.
        """
        outermost = self.info.pipeline_status is PipelineStatus.OFF
        try:
            async with super().pipeline() as pipeline:
                # The one place where psycopg 3.3 sends a statement that nobody waits for yet.
                pipeline._communicate_gen = lambda: _gather(pipeline)  # type: ignore[method-assign]  # noqa: SLF001
                # And the one where it asks for answers: by a flush, after which the server counts
                # as active until the pipeline's end, and its limit on idle transactions does not
                # hold. A process that froze would keep its locks for as long as it is frozen.
                pipeline._fetch_gen = _synced(pipeline)  # type: ignore[method-assign]  # noqa: SLF001
                yield pipeline
        finally:
            if outermost and self.info.pipeline_status is not PipelineStatus.OFF:
                # psycopg 3.3 does not leave it when it is cancelled while it enters. Whoever used
                # the connection next would hold their locks until somebody ends a pipeline.
                await self.close()


def _gather(pipeline: AsyncPipeline) -> Generator[Any, Any, None]:
    while pipeline.command_queue:
        pipeline.command_queue.popleft()()
    yield from ()


def _synced(pipeline: AsyncPipeline) -> Callable[..., Generator[Any, Any, None]]:
    fetch = pipeline._fetch_gen  # noqa: SLF001

    def fetch_synced(*, flush: bool) -> Generator[Any, Any, None]:
        if flush and pipeline.result_queue:
            # None stands for a sync that was asked for already.
            if pipeline.result_queue[-1] is not None:
                pipeline._enqueue_sync()  # noqa: SLF001
                yield from _gather(pipeline)
            # What the socket had no room for goes out too.
            yield from send(pipeline.pgconn)
        yield from fetch(flush=False)

    return fetch_synced
