"""The outbox on SQLite, and what it says about its own use."""

import contextlib
import sqlite3

import pytest
from joserfc.jwk import ECKey

from joinedup.client import Publisher, Refused
from joinedup.client.backoff import Backoff
from joinedup.client.outbox import Outbox
from tests.component.client.counter import Counter
from tests.component.client.door import Door
from tests.component.client.outbox_laws import LAWS, fill, relay, states

KEY = ECKey.generate_key("P-256")


@pytest.fixture
def counter():
    with contextlib.closing(Counter(KEY)) as opened:
        yield opened


@pytest.fixture
def door(counter):
    made = Door()
    counter.answers.append(made)
    return made


@pytest.fixture
def publisher(counter):
    with Publisher(
        "gro",
        key=KEY.as_pem(private=True),
        url=counter.url,
        patience_seconds=0.05,
        backoff=Backoff(first=0.001, longest=0.01),
    ) as made:
        yield made


@pytest.fixture
def connect(tmp_path):
    def connect(**options):
        connection = sqlite3.connect(tmp_path / "births.sqlite", **options)
        # Processes end in these tests, the machine does not.
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    return connect


@pytest.fixture
def outbox(connect):
    made = Outbox("sqlite")
    with contextlib.closing(connect()) as connection:
        made.create(connection)
        made.create(connection)
    return made


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_on_sqlite(law, outbox, connect, publisher, door):
    law(outbox, connect, publisher, door)


@pytest.mark.parametrize("options", [{}, {"isolation_level": None}])
def test_the_department_writes_while_the_network_is_waited_for(
    options, outbox, connect, publisher, counter
):
    door = Door()

    def slow(body, headers):
        # A second writer that meets a lock would fail at once.
        with contextlib.closing(connect(timeout=0)) as writer:
            outbox.add(writer, {"id": "GRO-9"})
            writer.commit()
        return door(body, headers)

    counter.answers.extend([slow, door])
    fill(outbox, connect, 1)
    with contextlib.closing(connect(**options)) as connection:
        assert outbox.relay(connection, publisher).sent == 2

    assert list(door.admitted) == ["GRO-1", "GRO-9"]


def test_two_relays_on_sqlite_send_twice_at_most_and_it_counts_once(
    outbox, connect, publisher, counter
):
    door = Door()

    def overtaken(body, headers):
        # Another relay does all of the work while this one waits for its answer.
        relay(outbox, connect, publisher)
        return door(body, headers)

    counter.answers.extend([overtaken, door])
    fill(outbox, connect, 3)

    relay(outbox, connect, publisher)

    assert set(door.tries.values()) == {2}
    assert states(outbox, connect) == ["sent"] * 3


def test_an_event_that_was_mended_meanwhile_is_not_taken_for_the_refused_one(
    outbox, connect, publisher, counter
):
    door = Door()
    door.refuse("GRO-1", times=2)

    def overtaken(body, headers):
        relay(outbox, connect, publisher)
        with contextlib.closing(connect()) as connection:
            (refused,) = outbox.refused(connection)
            outbox.requeue(connection, refused.position, {"id": "GRO-1", "mended": True})
            connection.commit()
        return door(body, headers)

    counter.answers.extend([overtaken, door])
    fill(outbox, connect, 1)

    relay(outbox, connect, publisher)

    assert door.admitted["GRO-1"]["mended"] is True
    assert states(outbox, connect) == ["sent"]


def test_a_caller_who_is_not_believed_loses_nothing(outbox, connect, publisher, counter):
    counter.answers.append((401, {"code": "token_key"}))
    fill(outbox, connect, 2)

    with pytest.raises(Refused, match="token_key"):
        relay(outbox, connect, publisher)

    assert states(outbox, connect) == ["waiting", "waiting"]


def test_what_can_be_no_event_is_refused_where_it_is_added(outbox, connect):
    with contextlib.closing(connect()) as connection, pytest.raises(Refused) as refused:
        outbox.add(connection, {"id": float("inf")})

    assert refused.value.code == "json_number"


def test_only_a_refused_event_is_requeued(outbox, connect):
    fill(outbox, connect, 1)

    with contextlib.closing(connect()) as connection, pytest.raises(LookupError):
        outbox.requeue(connection, 1)


@pytest.mark.parametrize("name", ["", "a b", "outbox;", "Outbox", "a.b"])
def test_a_table_has_a_plain_name(name):
    with pytest.raises(ValueError, match="name"):
        Outbox("sqlite", table=name)


def test_a_table_may_have_another_name(connect, publisher, door):
    outbox = Outbox("sqlite", table="births_out")
    with contextlib.closing(connect()) as connection:
        outbox.create(connection)
    fill(outbox, connect, 1)

    assert relay(outbox, connect, publisher).sent == 1
    assert states(outbox, connect, "births_out") == ["sent"]
