"""A log line is JSON, holds listed fields only, and a library cannot flood it."""

import io
import json
import logging

import pytest
from opentelemetry.sdk.trace import TracerProvider

from services.kit import log_lines
from services.kit.log_lines import ALLOWED_FIELDS, JsonLine, OncePerWhile

SECRET = "QQ123456C"


@pytest.fixture
def lines():
    stream = io.StringIO()
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    log_lines.configure("bakery", "info", stream)

    def written():
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    yield written
    root.handlers[:], root.level = before[0], before[1]


def test_a_line_says_when_who_and_what(lines):
    logging.getLogger("services.oven").info("loaf baked", extra={"count": 3, "topic": "loaves.v1"})

    (line,) = lines()
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "service": "bakery",
        "logger": "services.oven",
        "event": "loaf baked",
        "count": 3,
        "topic": "loaves.v1",
    }


def test_unlisted_fields_and_arguments_do_not_leave(lines):
    log = logging.getLogger("services.oven")
    log.warning("loaf for %s", SECRET, extra={"subject": SECRET, "name_of_person": SECRET})
    logging.getLogger("somelib").error("cannot reach %s", SECRET)

    assert [line["event"] for line in lines()] == ["loaf for %s", "cannot reach %s"]
    assert SECRET not in json.dumps(lines())


def test_an_exception_leaves_as_class_and_place(lines):
    def bake():
        raise ValueError(SECRET)

    try:
        bake()
    except ValueError:
        logging.getLogger("services.oven").exception("oven failed")

    (line,) = lines()
    assert line["exception"] == "builtins.ValueError"
    assert "test_log_lines.py" in line["at"]
    assert line["at"].endswith("in bake")
    assert SECRET not in json.dumps(line)


def test_an_exception_inside_a_library_names_our_last_step_too(lines):
    try:
        json.loads("{")
    except ValueError:
        logging.getLogger("services.oven").exception("recipe failed")

    (line,) = lines()
    assert line["at"].count(" in ") >= 1


def test_a_line_inside_a_trace_names_it(lines):
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")

    with tracer.start_as_current_span("work") as span:
        logging.getLogger("services.oven").info("loaf baked")

    context = span.get_span_context()
    (line,) = lines()
    assert (line["trace_id"], line["span_id"]) == (
        f"{context.trace_id:032x}",
        f"{context.span_id:016x}",
    )


def test_libraries_are_heard_from_warnings_on_and_we_from_the_level_set(lines):
    logging.getLogger("somelib").info("chatter")
    logging.getLogger("services.oven").debug("chatter")
    logging.getLogger("services.oven").info("kept")
    logging.getLogger("somelib").warning("kept")

    assert [line["event"] for line in lines()] == ["kept", "kept"]


def test_a_value_that_is_no_json_leaves_as_its_type(lines):
    logging.getLogger("services.oven").info("odd", extra={"state": object()})

    assert lines()[0]["state"] == "object"


def record(created, name="aiokafka.conn", line=1):
    made = logging.LogRecord(name, logging.ERROR, "conn.py", line, "away %s", (SECRET,), None)
    made.created = created
    return made


def test_a_library_says_the_same_thing_once_in_ten_seconds():
    quiet = OncePerWhile()

    passed = [moment for moment in range(25) if quiet.filter(record(float(moment)))]

    assert passed == [0, 10, 20]


def test_how_often_it_was_kept_back_is_told():
    quiet = OncePerWhile()
    for moment in range(10):
        quiet.filter(record(float(moment)))
    late = record(10.0)

    assert quiet.filter(late)
    assert json.loads(JsonLine("bakery").format(late))["count"] == 10


def test_two_places_do_not_silence_each_other_and_ours_are_never_silenced():
    quiet = OncePerWhile()

    assert quiet.filter(record(0.0, line=1))
    assert quiet.filter(record(0.0, line=2))
    assert all(quiet.filter(record(0.0, "services.oven")) for _ in range(5))


def test_no_field_of_a_record_itself_is_listed():
    own = set(vars(record(0.0)))

    assert not own & ALLOWED_FIELDS
