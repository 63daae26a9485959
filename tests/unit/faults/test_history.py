"""A history loses nothing that was written, and puts what it knows in commit order."""

from __future__ import annotations

import asyncio
import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.contradiction import Contradiction
from tests.faults.history import History, merge, read, with_prompts
from tests.faults.operation import Kind, Operation, Result
from tests.unit.faults.builders import PERSON, PROMPT, a_history, ok, unknown

texts = st.sampled_from(["", "a", "b"]) | st.text(max_size=5)
numbers = st.none() | st.integers(0, 9)


@st.composite
def operations(draw):
    invoked = draw(st.integers(0, 50))
    lasted = draw(numbers)
    results = [Result.UNKNOWN] if lasted is None else list(Result)
    result = draw(st.sampled_from(results))
    return Operation(
        id=str(draw(st.uuids())),
        process=draw(texts),
        kind=draw(st.sampled_from(Kind)),
        invoked_ns=invoked,
        completed_ns=None if lasted is None else invoked + lasted,
        result=result,
        serial=None if result is Result.FAIL else draw(numbers),
        subject=draw(texts),
        epoch=draw(numbers),
        prompt_id=draw(texts),
        bereavement=draw(st.none() | st.booleans()),
        reason=draw(texts),
    )


@pytest.fixture
def history():
    return History(clock=itertools.count(100).__next__)


def test_an_operation_is_known_from_its_invocation(history):
    begun = history.invoke("portal", Kind.WITHDRAW, subject=PERSON)

    assert history.operations == (begun,)
    assert (begun.invoked_ns, begun.completed_ns, begun.result) == (100, None, Result.UNKNOWN)


def test_its_completion_says_what_came_of_it(history):
    begun = history.invoke("portal", Kind.WITHDRAW, subject=PERSON)

    history.complete(begun, Result.OK, serial=7, epoch=1)

    (operation,) = history.operations
    assert operation == replace(begun, completed_ns=101, result=Result.OK, serial=7, epoch=1)
    assert operation.happened
    assert operation.acknowledged_ns == 101


def test_a_serial_learned_afterwards_proves_what_the_caller_never_heard(history):
    claim = history.complete(history.invoke("replica", Kind.CLAIM), Result.UNKNOWN)

    history.record(replace(claim, serial=7))

    (operation,) = history.operations
    assert operation.happened
    assert operation.acknowledged_ns == float("inf")


@pytest.mark.parametrize(
    "fields",
    [
        {"completed_ns": None, "result": Result.OK},
        {"completed_ns": 99, "result": Result.OK},
        {"completed_ns": 101, "result": Result.FAIL, "serial": 1},
    ],
)
def test_what_cannot_be_is_refused(fields):
    with pytest.raises(ValueError, match=r"has|before"):
        Operation(id="1", process="portal", kind=Kind.GIVE, invoked_ns=100, **fields)


@given(st.lists(operations(), max_size=6, unique_by=lambda each: each.id))
def test_a_file_holds_what_was_recorded(tmp_path_factory, made):
    path = tmp_path_factory.getbasetemp() / "recorded.jsonl"
    path.unlink(missing_ok=True)
    history = History(path)

    for each in made:
        history.record(each)

    assert read(path).operations == history.operations
    assert sorted(read(path).operations, key=lambda each: each.id) == sorted(
        made, key=lambda each: each.id
    )


def test_half_a_line_was_never_written(tmp_path):
    path = tmp_path / "1.jsonl"
    history = History(path)
    begun = history.invoke("replica", Kind.CLAIM)
    history.complete(begun, Result.OK, serial=1)

    path.write_bytes(path.read_bytes()[:-10])

    assert read(path).operations == (begun,)


def test_a_file_belongs_to_one_history(tmp_path):
    History(tmp_path / "1.jsonl")

    with pytest.raises(FileExistsError):
        History(tmp_path / "1.jsonl")


def test_threads_and_tasks_record_side_by_side(tmp_path):
    history = History(tmp_path / "1.jsonl")

    def record(number):
        history.complete(history.invoke(f"thread-{number}", Kind.CLAIM), Result.OK)

    async def record_later(number):
        begun = history.invoke(f"task-{number}", Kind.OPEN)
        await asyncio.sleep(0)
        history.complete(begun, Result.OK)

    async def tasks():
        await asyncio.gather(*map(record_later, range(50)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(record, range(50)))
    asyncio.run(tasks())

    assert len({each.id for each in history.operations}) == 100
    assert all(each.result is Result.OK for each in history.operations)
    assert read(tmp_path / "1.jsonl").operations == history.operations


@given(
    st.lists(st.lists(operations(), max_size=4), max_size=4).filter(
        lambda files: len({each.id for file in files for each in file}) == sum(map(len, files))
    ),
    st.randoms(use_true_random=False),
)
def test_merging_does_not_depend_on_the_order_of_files(files, chance):
    histories = [a_history(*file) for file in files]
    shuffled = list(histories)
    chance.shuffle(shuffled)

    merged = merge(*histories).operations

    assert merged == merge(*shuffled).operations
    serials = [each.serial for each in merged if each.serial is not None]
    assert serials == sorted(serials)
    assert len(merged) == sum(map(len, files))


def test_the_completion_counts_whichever_file_comes_first():
    begun = unknown(Kind.CLAIM, 1)
    completed = replace(begun, completed_ns=2, result=Result.OK)

    for each in itertools.permutations([a_history(begun), a_history(completed)]):
        assert merge(*each).operations == (completed,)


def test_commit_order_is_that_of_serials_and_the_rest_stands_between_by_time():
    late = ok(Kind.WITHDRAW, 30, 40, serial=1)
    early = ok(Kind.CLAIM, 10, 20, serial=2)
    event = ok(Kind.EVENT, 25, 26)
    show = ok(Kind.SHOW, 35, 36)

    assert a_history(show, early, event, late).operations == (event, late, early, show)


def test_a_device_learns_what_others_say_of_its_prompt():
    claim = ok(Kind.CLAIM, 1, 2, serial=1, epoch=3)
    show = Operation(
        id="1", process="phone", kind=Kind.SHOW, invoked_ns=5, prompt_id=PROMPT
    )  # fmt: skip
    other = replace(show, id="2", prompt_id="x")

    known = {each.id: each for each in with_prompts(a_history(claim, show, other)).operations}

    assert (known["1"].subject, known["1"].epoch, known["1"].channel) == (PERSON, 3, "")
    assert (known[claim.id], known["2"]) == (claim, other)


def test_what_is_said_in_two_ways_stays_unknown():
    made = ok(Kind.ISSUE, 1, 2, epoch=3), ok(Kind.ISSUE, 3, 4, epoch=4)
    show = ok(Kind.SHOW, 5, 6, epoch=None)

    assert with_prompts(a_history(*made, show)).operations == (*made, show)


def test_a_contradiction_can_be_read():
    end = ok(Kind.WITHDRAW, 1_500_000_000, 2_000_000_000, serial=7, epoch=1, process="portal")
    claim = unknown(Kind.CLAIM, 3_000_000_000, serial=8, process="replica")

    first, second, third = str(Contradiction("I3", "it passes", (end, claim))).splitlines()

    assert first == "I3: it passes"
    assert second.startswith("  withdraw ok 1.500000–2.000000 s by portal: serial=7 ")
    assert third.startswith("  claim unknown 3.000000–? s by replica: serial=8 ")
    assert "epoch=0" in third
