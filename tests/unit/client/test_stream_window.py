"""A stream's window answers every event once, in order, whatever breaks in between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joinedup.client import Receipt, Refused, Unavailable
from joinedup.client.stream_window import StreamWindow
from joinedup.events.v1 import life_events_pb2 as pb

PATIENCE = 30.0


def a_window(most=10, taken=0):
    window = StreamWindow(most, PATIENCE)
    window.begin_stream()
    for number in range(taken):
        window.take(b"%d" % number, 0.0)
    return window


def events_of(request):
    """A message's events, as (number, body)."""
    return [
        (request.number + place, each.cloud_event_json)
        for place, each in enumerate((request, *request.following))
    ]


def sent(window):
    """Everything there is to send, as (number, body)."""
    found = []
    while (request := window.next_request()) is not None:
        found += events_of(request)
    return found


def accepted(number, event_id="e" * 26):
    receipt = pb.PublishResponse(event_id=event_id)
    return pb.PublishStreamResponse(number=number, accepted=receipt)


def refused(number, *, try_again=False, seconds=0):
    refusal = pb.Refusal(
        code="field_unknown",
        detail="no",
        try_again=try_again,
        retry_after_seconds=seconds,
        faults=[pb.EventFault(pointer="/data/x", code="field_unknown", detail="?")],
    )
    return pb.PublishStreamResponse(number=number, refused=refusal)


def test_numbers_rise_by_one_and_answers_come_back_in_order():
    window = a_window(taken=3)

    assert sent(window) == [(1, b"0"), (2, b"1"), (3, b"2")]
    window.answer(accepted(2, "b"), 0.0)
    assert list(window.results()) == []
    assert window.answered_through == 0
    window.answer(accepted(1, "a"), 0.0)
    assert window.answered_through == 2
    assert [each.event_id for each in window.results()] == ["a", "b"]
    assert list(window.results()) == []


def test_there_is_room_again_when_results_are_handed_back():
    window = a_window(most=2, taken=2)
    assert not window.has_room
    sent(window)
    window.answer(accepted(1), 0.0)
    assert not window.has_room

    list(window.results())

    assert window.has_room


def test_a_new_stream_sends_what_is_unanswered_under_numbers_that_follow():
    window = a_window(taken=4)
    sent(window)
    window.answer(accepted(2), 0.0)
    window.begin_stream()

    assert sent(window) == [(5, b"0"), (6, b"2"), (7, b"3")]
    assert window.answer(accepted(1), 0.0) == []
    assert window.answered_through == 0


def test_what_may_succeed_later_rests_and_goes_again_by_itself():
    window = a_window(taken=2)
    sent(window)

    (rest,) = window.answer(refused(1, try_again=True, seconds=2), 0.0)

    assert (rest.place, rest.tries, rest.seconds) == (0, 1, 2)
    assert sent(window) == []
    window.begin_stream()
    assert sent(window) == [(3, b"1")]
    window.has_rested(rest.place)
    window.has_rested(rest.place)
    assert sent(window) == [(4, b"0")]


def test_what_never_succeeds_is_unavailable_in_the_end():
    window = a_window(taken=1)
    for number in range(1, 4):
        sent(window)
        for rest in window.answer(refused(number, try_again=True), number * 20.0):
            window.has_rested(rest.place)

    (result,) = window.results()
    assert isinstance(result, Unavailable)
    assert result.code == "field_unknown"


def test_a_refusal_is_final_with_its_faults():
    window = a_window(taken=1)
    sent(window)
    window.answer(refused(1), 0.0)

    (result,) = window.results()
    assert isinstance(result, Refused)
    assert (result.code, result.pointers) == ("field_unknown", ("/data/x",))


def test_what_cannot_be_sent_keeps_its_place():
    window = a_window(taken=1)
    window.take(Refused("body_too_large", "too large"), 0.0)
    window.take(b"2", 0.0)
    assert [body for _, body in sent(window)] == [b"0", b"2"]
    window.answer(accepted(1), 0.0)
    window.answer(accepted(2), 0.0)

    assert [type(each) for each in window.results()] == [Receipt, Refused, Receipt]


def test_a_break_within_patience_gives_nothing_up():
    window = a_window(taken=2)
    window.break_off("gone", "unavailable", PATIENCE)

    assert list(window.results()) == []


def test_a_break_beyond_patience_gives_up_all_that_is_on_its_way():
    window = a_window(taken=3)
    sent(window)
    window.answer(accepted(2), 5.0)
    window.break_off("gone", "unavailable", 5.0 + PATIENCE + 1)

    assert [type(each) for each in window.results()] == [Unavailable, Receipt, Unavailable]
    window.take(b"3", 60.0)
    window.break_off("gone", "unavailable", 61.0)
    assert list(window.results()) == []


def test_it_is_finished_when_all_there_will_be_is_answered():
    window = a_window(taken=1)
    window.ended = True
    assert not window.finished
    sent(window)
    window.answer(accepted(1), 0.0)

    assert window.finished


def test_a_window_has_room_for_something():
    with pytest.raises(ValueError, match="room"):
        StreamWindow(0, PATIENCE)


@given(
    st.lists(st.sampled_from(["take", "send", "answer", "again", "break"]), max_size=80), st.data()
)
def test_every_event_is_answered_once_and_in_order(steps, data):
    window = a_window(most=5)
    unanswered: dict[int, str] = {}
    taken, resting, handed_back = 0, [], []
    for step in [*steps, *["send", "answer"] * 10]:
        if step == "take" and window.has_room:
            window.take(b"%d" % taken, 0.0)
            taken += 1
        elif step == "send" and (request := window.next_request()):
            unanswered |= {number: body.decode() for number, body in events_of(request)}
        elif step in {"answer", "again"} and unanswered:
            number = data.draw(st.sampled_from(sorted(unanswered)))
            name = unanswered.pop(number)
            answer = accepted(number, name) if step == "answer" else refused(number, try_again=True)
            resting += [each.place for each in window.answer(answer, 0.0)]
        elif step == "break":
            unanswered.clear()
            window.begin_stream()
        if resting:
            window.has_rested(resting.pop())
        handed_back += [each.event_id for each in window.results()]

    assert handed_back == [str(place) for place in range(len(handed_back))]
    assert window.answered_through == len(handed_back)
    assert len(handed_back) == taken


def test_what_is_at_hand_goes_together_in_messages_that_the_platform_takes():
    window = StreamWindow(1_000, PATIENCE)
    window.begin_stream()
    for _ in range(250):
        window.take(b"x", 0.0)
    for _ in range(5):
        window.take(b"x" * 60_000, 0.0)

    sizes = []
    while (request := window.next_request()) is not None:
        sizes.append(len(events_of(request)))
        assert request.ByteSize() < 256 * 1024

    assert sizes == [100, 100, 52, 2, 1]


def test_answers_that_come_in_one_message_are_all_kept():
    window = a_window(taken=3)
    sent(window)
    following = [pb.PublishStreamAnswer(number=2), pb.PublishStreamAnswer(number=3)]
    for each in following:
        each.accepted.event_id = "b"

    window.answer(
        pb.PublishStreamResponse(
            number=1, accepted=pb.PublishResponse(event_id="a"), following=following
        ),
        0.0,
    )

    assert [each.event_id for each in window.results()] == ["a", "b", "b"]
