"""Straight to Kafka while something is away, slow, new or gone: nothing lost, nothing twice."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import psycopg
import pytest
from kafka.admin import KafkaAdminClient

from deploy.local.topics import declared
from services.kit.ids import new_random_id
from services.kit.service_tokens import generate_keypair
from services.kit.topics import create_topics, instances, load_templates
from tests.builders import an_event_body
from tests.events_service import ROOT, rows_of
from tests.inbound_topic import InboundTopic
from tests.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

EXAMPLES = {
    "gro": "birth",
    "nrs": "birth-partial-date",
    "council-cardiff": "residence-moved",
    "dvla": "driving-licence-renewed",
}


@pytest.fixture
def topic_of(service):
    made = []

    def topic(publisher, **settings):
        made.append(InboundTopic(service, publisher, **settings))
        return made[-1]

    yield topic
    for each in made:
        each.close()


def events_of(publisher, count=1):
    name = new_random_id()
    return [an_event_body(EXAMPLES[publisher], id=f"{name}-{n}") for n in range(count)]


def is_in(service, body, publisher):
    return service.publish(body, publisher).json()["duplicate"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, "store_unavailable"),
        (grpc.StatusCode.UNAVAILABLE, "fence_outstanding"),
        (grpc.StatusCode.INVALID_ARGUMENT, "field_invalid"),
    ],
)
def test_what_cannot_be_answered_now_waits_and_is_admitted_once(
    service, topic_of, log, status, reason
):
    gro = topic_of("gro")
    bodies = events_of("gro", 5)
    service.identity.refusals = [(status, reason)] * 4

    gro.put_all(bodies)

    gro.settle()
    assert service.identity.refusals == []
    assert len(log.events()) == 5
    assert all(is_in(service, body, "gro") for body in bodies)
    assert gro.letters() == []
    assert "inbound events wait" in service.log_text()


def test_an_event_that_another_request_is_admitting_is_waited_for(service, topic_of, log):
    gro = topic_of("gro")
    (body,) = events_of("gro")
    service.identity.held = threading.Event()
    with ThreadPoolExecutor() as pool:
        asked = len(service.identity.asked)
        first = pool.submit(service.publish, body)
        eventually(lambda: len(service.identity.asked) > asked or first.done())
        said = len(service.log_text())
        gro.put(body)
        eventually(lambda: "inbound events wait" in service.log_text()[said:])

        assert gro.lag() == 1
        service.identity.held.set()
        service.identity.held = None

    gro.settle()
    assert first.result().json()["duplicate"] is False
    assert len(log.events()) == 1
    assert gro.letters() == []


def test_a_publisher_whose_letters_have_no_place_holds_up_nobody_else(service, topic_of, log):
    dvla, nrs = topic_of("dvla"), topic_of("nrs")
    letters = f"{dvla.topic}.dead-letter"
    with KafkaAdminClient(bootstrap_servers=service.kafka) as admin:
        admin.delete_topics([letters])
    refused, good = events_of("dvla", 2)
    refused["data"]["nation"] = "X"
    said = len(service.log_text())

    dvla.put_all([refused, good])

    eventually(lambda: "batch failed" in service.log_text()[said:], 20)
    others = events_of("nrs", 20)
    nrs.put_all(others)
    nrs.settle(10)
    assert service.publish(an_event_body(id=new_random_id())).status_code == 202
    assert dvla.lag() == 2

    create_topics(service.kafka, declared(ROOT))
    dvla.settle(40)
    (letter,) = topic_of("dvla", from_start=True).letters()
    assert json.loads(letter.value) == refused
    assert is_in(service, good, "dvla")
    # Twenty and one over HTTP; what stood still was admitted with its first try.
    assert len({message.event_id for _, message, _ in log.events()}) == 22


def test_what_waited_while_the_service_was_down_is_judged_by_its_own_moment(service, topic_of, log):
    gro = topic_of("gro")
    (body,) = events_of("gro")
    assert service.stop() == 0
    issued = int(service.now().timestamp())
    token = service.token("gro", jti=body["id"], iat=issued, exp=issued + 2)
    gro.put(body, authorization=f"Bearer {token}")
    eventually(lambda: service.now().timestamp() > issued + 3)

    late = gro.put_raw(json.dumps(body).encode(), gro.headers("", authorization=f"Bearer {token}"))
    service.start()

    assert gro.letter_of(late).code == "token_expired"
    gro.settle()
    assert len(log.events()) == 1
    assert is_in(service, body, "gro")


def test_a_suspended_publishers_records_come_back_at_once(service, topic_of, log):
    cardiff = topic_of("council-cardiff")
    before, while_suspended, after = events_of("council-cardiff", 3)
    cardiff.put(before)
    cardiff.settle()
    entry = service.catalogue / "publishers" / "council-cardiff.yaml"
    text = entry.read_text()

    def believed():
        return service.follow("a" * 26, "council-cardiff").status_code == 404

    entry.write_text(f"{text}suspended: true\n")
    try:
        eventually(lambda: not believed())
        offset = cardiff.put(while_suspended)
        assert cardiff.letter_of(offset).code == "token_key"
    finally:
        entry.write_text(text)
    eventually(believed)
    cardiff.put(after)

    cardiff.settle()
    assert len(log.events()) == 2


def test_a_publisher_that_is_added_while_running_is_read_within_seconds(service, topic_of, log):
    name = "registry-of-tests"
    keys = service.folder / "publishers"
    generate_keypair(keys / f"{name}.private.pem", keys / f"{name}.public.pem")
    entry = service.catalogue / "publishers" / "sandbox.yaml"
    added = entry.with_name(f"{name}.yaml")
    body = an_event_body(id=new_random_id(), source=f"urn:uk:{name}")
    templates = load_templates(ROOT / "protos" / "topics")
    create_topics(service.kafka, instances(templates, publisher=name))
    added.write_text(entry.read_text().replace("sandbox", name).replace(f"{name}:", "sandbox:"))
    try:
        eventually(lambda: service.follow("a" * 26, name).status_code == 404)
        new = topic_of(name)
        new.put(body)
        new.settle(15)
        assert is_in(service, body, name)
    finally:
        added.unlink()
    assert log.events() == []


def test_a_publisher_that_is_faster_than_it_may_be_is_slowed_down_and_never_refused(
    service, topic_of
):
    groni = topic_of("groni")
    entry = service.catalogue / "publishers" / "groni.yaml"
    text = entry.read_text()
    entry.write_text(f"{text}limits: {{events_per_second: 5, burst: 5}}\n")
    source = "urn:uk:register:civil-registration-northern-ireland"
    probe = an_event_body(id=new_random_id(), source=source, data={"nation": "NI"})

    def limited():
        return {service.publish(probe, "groni").status_code for _ in range(8)} >= {429}

    try:
        eventually(limited)
        bodies = [{**probe, "id": f"{probe['id']}-{number}"} for number in range(20)]
        groni.put_all(bodies)
        begun = time.monotonic()
        groni.settle()
        assert time.monotonic() - begun > 2
        assert groni.letters() == []
    finally:
        entry.write_text(text)
    eventually(lambda: not limited())
    assert all(is_in(service, body, "groni") for body in bodies)


def test_a_process_that_is_killed_loses_nothing_and_admits_nothing_twice(
    service, topic_of, log, events_database_url
):
    gro, nrs = topic_of("gro"), topic_of("nrs")
    name = new_random_id()
    bodies = [an_event_body(id=f"{name}-{number}") for number in range(300)]
    refused = {body["id"] for body in bodies[::40]}
    for body in bodies[::40]:
        body["data"]["nation"] = "X"
    others = events_of("nrs", 50)
    count = f"SELECT count(*) FROM admissions WHERE id LIKE '{name}%'"

    def admitted():
        return rows_of(events_database_url, count)[0][0]

    for part in range(3):
        gro.put_all(bodies[part * 100 : part * 100 + 100])
        nrs.put_all(others[part * 10 : part * 10 + 10])
        least = part * 90
        eventually(lambda: admitted() > least, 60)  # noqa: B023  # asked within this round
        service.kill()
        free_claims(events_database_url)
        service.start()
    nrs.put_all(others[30:])

    gro.settle(60)
    nrs.settle(60)
    on_log = {message.event_id: message for _, message, _ in log.events()}
    assert len(on_log) == 292 + 50
    assert admitted() == 292
    assert all(service.publish(body).json()["duplicate"] for body in bodies[1:40])
    letters = gro.letters()
    assert {json.loads(each.value)["id"] for each in letters} == refused
    assert {each.code for each in letters} == {"value_not_allowed"}


def free_claims(database_url):
    """Let the claims of a dead process run out now instead of in half a minute."""
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE admissions SET claimed_at = claimed_at - interval '31 s'")


def test_nothing_personal_and_no_token_was_written_to_the_log_file(service):
    text = service.log_text()

    for value in ("QQ123456C", "Mair", "Bevan", "CF10", "1994-02-03", "eyJ"):
        assert value not in text
