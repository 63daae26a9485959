"""What holds of an outbox on any database; each takes `connect`, which opens a connection."""

from typing import Any

import pytest

from joinedup.client import Unavailable
from tests.component.client.crashing import Crash, CrashingConnection, CrashingPublisher, Steps

BATCH = 2


def fill(outbox, connect, count, first=1):
    """Add events in one transaction."""
    connection = connect()
    for number in range(first, first + count):
        outbox.add(connection, {"id": f"GRO-{number}", "text": "Llŷr %s ?"})
    connection.commit()
    connection.close()


def states(outbox, connect, table="life_event_outbox"):
    """The state of every row, in order."""
    connection = connect()
    cursor = connection.cursor()
    cursor.execute(f"SELECT state FROM {table} ORDER BY position")
    found = [state for (state,) in cursor.fetchall()]
    connection.close()
    return found


def relay(outbox, connect, publisher, **options):
    """Relay on a connection of its own."""
    connection = connect()
    try:
        return outbox.relay(connection, publisher, **options)
    finally:
        connection.close()


def a_crash_at_any_step_loses_and_doubles_nothing(outbox, connect, publisher, door):
    """Crashes at the first step, then at the second, until a relay comes to its end."""
    at, crashed, first = 0, True, 1
    while crashed:
        at += 1
        fill(outbox, connect, 3, first)
        door.refuse(f"GRO-{first + 1}")
        crashed = _crashes(outbox, connect, publisher, at)
        relay(outbox, connect, publisher, batch_size=BATCH)
        ids = [f"GRO-{number}" for number in range(first, first + 3)]
        assert [each for each in ids if each in door.admitted] == [ids[0], ids[2]], at
        assert states(outbox, connect)[-3:] == ["sent", "refused", "sent"], at
        first += 3
    assert at > 15


def _crashes(outbox: Any, connect: Any, publisher: Any, at: int) -> bool:
    steps = Steps(at)
    connection = connect()
    try:
        outbox.relay(
            CrashingConnection(connection, steps),
            CrashingPublisher(publisher, steps),
            batch_size=BATCH,
        )
    except Crash:
        return True
    finally:
        connection.close()
    return False


def an_event_counts_when_the_transaction_does(outbox, connect, publisher, door):
    """What is rolled back was never there."""
    connection = connect()
    outbox.add(connection, {"id": "GRO-1"})
    connection.rollback()
    outbox.add(connection, {"id": "GRO-2"})
    connection.commit()
    connection.close()

    relay(outbox, connect, publisher)

    assert list(door.admitted) == ["GRO-2"]


def a_refused_event_is_mended_and_sent_again(outbox, connect, publisher, door):
    """Why it was refused is in its row until it is requeued."""
    fault = {"pointer": "/data/x", "code": "field_unknown", "detail": "is not a field known here"}
    door.refuse("GRO-2", code="field_unknown", detail="no", errors=[fault])
    fill(outbox, connect, 3)

    assert relay(outbox, connect, publisher).refused == 1

    connection = connect()
    (refused,) = outbox.refused(connection)
    assert (refused.event["id"], refused.code, refused.detail) == ("GRO-2", "field_unknown", "no")
    assert refused.faults[0].pointer == "/data/x"
    assert outbox.refused(connection, after=refused.position) == []
    door.trouble.clear()
    outbox.requeue(connection, refused.position, refused.event | {"x": 1})
    connection.commit()
    connection.close()

    assert relay(outbox, connect, publisher).sent == 1
    assert door.admitted["GRO-2"]["x"] == 1
    assert states(outbox, connect) == ["sent"] * 3


def what_is_not_answered_waits(outbox, connect, publisher, door):
    """What was answered beside it does not."""
    door.refuse("GRO-2", 503, code="log_unavailable")
    fill(outbox, connect, 3)

    with pytest.raises(Unavailable, match="log_unavailable"):
        relay(outbox, connect, publisher)

    assert states(outbox, connect) == ["sent", "waiting", "sent"]


def events_are_sent_in_order_and_then_forgotten(outbox, connect, publisher, door):
    """A sent row keeps the platform's id, and nothing of the person."""
    fill(outbox, connect, 7)

    relayed = relay(outbox, connect, publisher, batch_size=3)

    assert (relayed.sent, relayed.refused) == (7, 0)
    assert [len(each) for each in door.batches] == [3, 3, 1]
    assert list(door.admitted) == [f"GRO-{number}" for number in range(1, 8)]
    assert door.admitted["GRO-1"]["text"] == "Llŷr %s ?"
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("SELECT event, event_id, settled_at FROM life_event_outbox")
    rows = cursor.fetchall()
    connection.close()
    assert all(event is None and event_id and settled_at for event, event_id, settled_at in rows)


LAWS = (
    a_crash_at_any_step_loses_and_doubles_nothing,
    an_event_counts_when_the_transaction_does,
    a_refused_event_is_mended_and_sent_again,
    what_is_not_answered_waits,
    events_are_sent_in_order_and_then_forgotten,
)
