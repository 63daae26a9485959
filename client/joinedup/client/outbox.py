"""Events that a department's own transaction leaves to be published: none lost, none made up."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Protocol

from joinedup.client.errors import Fault, Refused, Unavailable
from joinedup.client.event_body import MAX_BATCH_EVENTS, Event, body_of
from joinedup.client.publisher import Publisher
from joinedup.client.receipt import Receipt, Result

Database = Literal["postgresql", "sqlite"]

_NAME: Final = {
    "postgresql": re.compile(r"([a-z_][a-z0-9_]*\.)?[a-z_][a-z0-9_]*"),
    "sqlite": re.compile(r"[a-z_][a-z0-9_]*"),
}
_POSITION: Final = {
    "postgresql": "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "sqlite": "integer PRIMARY KEY AUTOINCREMENT",
}
_TIME: Final = {"postgresql": "timestamptz", "sqlite": "text"}
_DDL: Final = """\
CREATE TABLE IF NOT EXISTS {table} (
    position {position},
    event text,          -- the CloudEvent as it is sent; emptied when the platform has it
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'refused')),
    event_id text,       -- the platform's own id, once sent
    code text,           -- why it was refused
    detail text,
    faults text,         -- JSON: [{{"pointer", "code", "detail"}}]
    added_at {time} NOT NULL DEFAULT CURRENT_TIMESTAMP,
    settled_at {time}
);
CREATE INDEX IF NOT EXISTS {index}_waiting ON {table} (position) WHERE state = 'waiting';
"""


class Connection(Protocol):
    """A connection of the department's own, of psycopg, sqlite3 or any other DB-API 2 module."""

    def cursor(self) -> Any:
        """A cursor."""
        ...

    def commit(self) -> object:
        """Make what was done hold."""
        ...

    def rollback(self) -> object:
        """Undo what was done."""
        ...


@dataclass(frozen=True, slots=True)
class Relayed:
    """What one call of `relay` settled."""

    sent: int
    refused: int


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An event that the platform refused, and why; it stays until it is mended and requeued."""

    position: int
    event: dict[str, Any]
    code: str
    detail: str
    faults: tuple[Fault, ...]


class Outbox:
    """A table beside the department's own, in its own database.

        outbox = Outbox("postgresql")
        with psycopg.connect(url) as connection:  # the department's own transaction
            connection.execute("INSERT INTO births …")
            outbox.add(connection, event)

        outbox.relay(connection_of_the_relay, publisher)  # every second, in a process of its own

    An event is sent after the transaction that added it holds, and again until the platform has
    answered; the platform counts it once. Times in the table are the database's.
    """

    def __init__(self, database: Database, *, table: str = "life_event_outbox") -> None:
        if not _NAME[database].fullmatch(table):
            raise ValueError("a table's name has lower-case letters, digits and _ only")
        self._postgresql = database == "postgresql"
        self._table = table
        self._parameter = "%s" if self._postgresql else "?"
        self.ddl = _DDL.format(
            table=table,
            index=table.replace(".", "_"),
            position=_POSITION[database],
            time=_TIME[database],
        )
        """The statements that make the table, for the department's own migrations."""

    def create(self, connection: Connection) -> None:
        """Make the table, unless it is there."""
        for statement in self.ddl.split(";\n"):
            if statement.strip():
                self._execute(connection, statement)
        connection.commit()

    def add(self, connection: Connection, event: Event) -> None:
        """Leave an event to be published; it counts when the connection's transaction does.

        Raises Refused for what cannot be an event: not JSON, or larger than 64 KiB.
        """
        statement = f"INSERT INTO {self._table} (event) VALUES (?)"  # noqa: S608  # checked above
        self._execute(connection, statement, [body_of(event).decode()])

    def relay(
        self, connection: Connection, publisher: Publisher, *, batch_size: int = 100
    ) -> Relayed:
        """Publish what waits, in order, until nothing does; one batch is in memory at a time.

        The connection is the relay's own, with nothing under way on it. Several relays may run at
        once: on PostgreSQL each takes other events; on SQLite, where a lock would keep the
        department from writing while the network is slow, two may send the same, which the
        platform counts once. Raises Unavailable when the platform is away, and Refused when the
        publisher is not accepted: what was not answered waits for the next call.
        """
        if self._postgresql and getattr(connection, "autocommit", False) is True:
            raise ValueError("the relay's connection must not be in autocommit mode")
        if not 1 <= batch_size <= MAX_BATCH_EVENTS:
            raise ValueError(f"a batch has 1 to {MAX_BATCH_EVENTS} events")
        sent = refused = 0
        try:
            while rows := self._waiting(connection, batch_size):
                bodies = [text.encode() for _, text in rows]
                results = list(publisher.publish_many(bodies, batch_size=batch_size))
                self._settle(connection, rows, results)
                sent += sum(isinstance(each, Receipt) for each in results)
                refused += sum(isinstance(each, Refused) for each in results)
                for each in results:
                    if isinstance(each, Unavailable):
                        raise each
        finally:
            # Ends what is under way, so that its rows are free for the next relay.
            connection.rollback()
        return Relayed(sent, refused)

    def refused(
        self, connection: Connection, *, after: int = 0, limit: int = 100
    ) -> list[RefusedEvent]:
        """Events that the platform refused, from behind a position, oldest first."""
        statement = f"""
            SELECT position, event, code, detail, faults FROM {self._table}
            WHERE state = 'refused' AND position > ? ORDER BY position LIMIT ?
        """  # noqa: S608  # the name was checked
        rows = self._execute(connection, statement, [after, limit], fetch=True)
        return [
            RefusedEvent(position, json.loads(event), code, detail, _faults_in(faults))
            for position, event, code, detail, faults in rows
        ]

    def requeue(self, connection: Connection, position: int, event: Event | None = None) -> None:
        """Let a refused event be sent again, mended if one is given; counts with the transaction.

        It keeps its place and, since nothing was admitted under it, its id. Raises LookupError
        when no refused event has the position, and Refused as `add` does.
        """
        statement = f"""
            UPDATE {self._table}
            SET state = 'waiting', event = coalesce(?, event), code = NULL, detail = NULL,
                faults = NULL, settled_at = NULL
            WHERE position = ? AND state = 'refused' RETURNING position
        """  # noqa: S608  # the name was checked
        text = None if event is None else body_of(event).decode()
        if not self._execute(connection, statement, [text, position], fetch=True):
            raise LookupError(f"no refused event has the position {position}")

    def _waiting(self, connection: Connection, most: int) -> Sequence[tuple[int, str]]:
        statement = f"""
            SELECT position, event FROM {self._table} WHERE state = 'waiting'
            ORDER BY position LIMIT ?
        """  # noqa: S608  # the name was checked
        if self._postgresql:
            return self._execute(
                connection, f"{statement} FOR UPDATE SKIP LOCKED", [most], fetch=True
            )
        rows = self._execute(connection, statement, [most], fetch=True)
        # Nothing is read, let alone locked, while the network is waited for.
        connection.commit()
        return rows

    def _settle(
        self,
        connection: Connection,
        rows: Sequence[tuple[int, str]],
        results: Sequence[Result],
    ) -> None:
        """Record what became of rows, unless that has changed since they were read."""
        sent = f"""
            UPDATE {self._table}
            SET state = 'sent', event = NULL, event_id = ?, settled_at = CURRENT_TIMESTAMP
            WHERE position = ? AND state = 'waiting' AND event = ?
        """  # noqa: S608  # the name was checked
        refused = f"""
            UPDATE {self._table}
            SET state = 'refused', code = ?, detail = ?, faults = ?, settled_at = CURRENT_TIMESTAMP
            WHERE position = ? AND state = 'waiting' AND event = ?
        """  # noqa: S608  # the name was checked
        if not self._postgresql and not getattr(connection, "in_transaction", False):
            self._execute(connection, "BEGIN IMMEDIATE")
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, Receipt):
                self._execute(connection, sent, [result.event_id, *row])
            elif isinstance(result, Refused):
                why = [result.code, result.detail, _faults(result)]
                self._execute(connection, refused, [*why, *row])
        connection.commit()

    def _execute(
        self,
        connection: Connection,
        statement: str,
        values: Sequence[Any] = (),
        *,
        fetch: bool = False,
    ) -> list[Any]:
        cursor = connection.cursor()
        try:
            cursor.execute(statement.replace("?", self._parameter), list(values))
            return list(cursor.fetchall()) if fetch else []
        finally:
            cursor.close()


def _faults(refused: Refused) -> str:
    return json.dumps([asdict(each) for each in refused.errors])


def _faults_in(text: str) -> tuple[Fault, ...]:
    return tuple(Fault(**each) for each in json.loads(text))
