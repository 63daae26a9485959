"""Refusals say what and where; what may succeed later is told apart."""

import httpx

from joinedup.client.errors import Refused, from_response


def test_a_problem_document_becomes_a_refusal_with_pointers():
    refused = from_response(
        httpx.Response(
            422,
            json={
                "code": "invalid",
                "detail": "the event does not fit its type",
                "errors": [{"pointer": "/data/facts/x", "code": "field_unknown", "detail": "?"}],
                "trace_id": "ab" * 16,
            },
        )
    )

    assert isinstance(refused, Refused)
    assert (refused.status, refused.code) == (422, "invalid")
    assert refused.pointers == ("/data/facts/x",)
    assert refused.trace_id == "ab" * 16
    assert "/data/facts/x (field_unknown)" in str(refused)


def test_an_answer_that_is_no_problem_document_still_says_its_status():
    for response in (httpx.Response(403, text="<html>"), httpx.Response(403, json=["no"])):
        assert from_response(response).code == "http_403"
