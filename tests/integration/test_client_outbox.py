"""The outbox on PostgreSQL: the same laws, and several relays that never take the same event."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import psycopg
import pytest
from joserfc.jwk import ECKey

from joinedup.client import Publisher
from joinedup.client.backoff import Backoff
from joinedup.client.outbox import Outbox
from tests.component.client.counter import Counter
from tests.component.client.door import Door
from tests.component.client.outbox_laws import LAWS, fill, relay, states

pytestmark = pytest.mark.integration

KEY = ECKey.generate_key("P-256")


@pytest.fixture
def door():
    return Door()


@pytest.fixture
def counter(door):
    with contextlib.closing(Counter(KEY)) as opened:
        opened.answers.append(door)
        yield opened


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
def connect(database_url):
    return partial(psycopg.connect, database_url)


@pytest.fixture
def outbox(connect):
    made = Outbox("postgresql")
    with contextlib.closing(connect()) as connection:
        made.create(connection)
        made.create(connection)
    return made


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_on_postgresql(law, outbox, connect, publisher, door):
    law(outbox, connect, publisher, door)


def test_several_relays_share_the_work(outbox, connect, publisher, counter, door):
    relays = 4
    first = Barrier(relays, timeout=20)
    begun: list[bytes] = []

    def together(body, headers):
        # Each relay holds its first batch until every other holds one of its own.
        if len(begun) < relays:
            begun.append(body)
            first.wait()
        return door(body, headers)

    counter.answers.clear()
    counter.answers.append(together)
    fill(outbox, connect, 40)

    with ThreadPoolExecutor(relays) as pool:
        ends = [pool.submit(relay, outbox, connect, publisher, batch_size=5) for _ in range(relays)]
        relayed = [each.result() for each in ends]

    assert sum(each.sent for each in relayed) == 40
    assert all(each.sent >= 5 for each in relayed)
    assert set(door.tries.values()) == {1}
    assert states(outbox, connect) == ["sent"] * 40


def test_the_rows_of_a_relay_that_is_gone_are_free_at_once(outbox, connect, publisher, door):
    fill(outbox, connect, 3)
    gone = connect()
    gone.execute("SELECT * FROM life_event_outbox FOR UPDATE")
    assert relay(outbox, connect, publisher).sent == 0

    gone.close()

    assert relay(outbox, connect, publisher).sent == 3


def test_autocommit_would_hold_no_row_and_is_refused(outbox, connect, publisher):
    with (
        contextlib.closing(connect(autocommit=True)) as connection,
        pytest.raises(ValueError, match="autocommit"),
    ):
        outbox.relay(connection, publisher)


def test_a_table_may_be_in_a_schema(connect, publisher, door):
    outbox = Outbox("postgresql", table="registry.births_out")
    with contextlib.closing(connect()) as connection:
        connection.execute("CREATE SCHEMA registry")
        outbox.create(connection)
    fill(outbox, connect, 1)

    assert relay(outbox, connect, publisher).sent == 1
    assert states(outbox, connect, "registry.births_out") == ["sent"]
