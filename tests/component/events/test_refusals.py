"""One error, two ways to say it: the same code and the same words over HTTP and over gRPC."""

import grpc
import pytest

from services.events.domain import errors, texts
from services.events.domain.faults import Fault
from services.events.entrypoints.grpc_server.refusals import refusal_in_stream, refusal_of
from services.events.entrypoints.problems import problem_of

FAULTS = [Fault("/id", "field_required"), Fault("/data/nation", "type_wrong")]
MADE = {
    errors.BodyMalformed: lambda: errors.BodyMalformed("json_trailing", 17),
    errors.EventInvalid: lambda: errors.EventInvalid(FAULTS),
    errors.RateExceeded: lambda: errors.RateExceeded(1.2),
}


def leaves(kind):
    below = kind.__subclasses__()
    return [leaf for each in below for leaf in leaves(each)] if below else [kind]


@pytest.mark.parametrize("kind", leaves(errors.EventsError))
def test_every_error_is_told_alike_over_http_and_grpc(kind):
    error = MADE.get(kind, kind)()

    http, refused, in_stream = problem_of(error), refusal_of(error), refusal_in_stream(error)

    assert http.code == refused.code == in_stream.code == error.reason
    assert http.detail == refused.detail == in_stream.detail
    assert http.detail.startswith(texts.REQUEST[error.reason])
    told = [(each["pointer"], each["code"], each["detail"]) for each in http.errors]
    assert told == list(refused.fields)
    assert told == [(each.pointer, each.code, each.detail) for each in in_stream.faults]
    wait = int(http.headers.get("retry-after", 0))
    assert wait == refused.retry_after_seconds == in_stream.retry_after_seconds


def test_a_status_says_whose_fault_it_is_as_http_does():
    families: dict[int, list[grpc.StatusCode]] = {4: [], 5: []}
    for kind in leaves(errors.EventsError):
        error = MADE.get(kind, kind)()
        families[problem_of(error).status // 100].append(refusal_of(error).status)

    assert set(families[5]) == {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL}
    assert not set(families[4]) & set(families[5])


def test_an_answer_in_a_stream_says_whether_trying_again_helps():
    again = {kind for kind in leaves(errors.EventsError)
             if refusal_in_stream(MADE.get(kind, kind)()).try_again}  # fmt: skip

    assert again == {
        errors.RateExceeded,
        errors.InProgress,
        errors.StoreUnavailable,
        errors.IdentityUnavailable,
        errors.FenceOutstanding,
        errors.LogUnavailable,
        errors.Mistaken,
    }
