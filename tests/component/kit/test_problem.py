"""HTTP errors are problem documents with codes, and no value in them."""

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from services.kit import problem
from services.kit.problem import ProblemError

SECRET = "QQ123456C"


class Loaf(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    grams: int


@pytest.fixture
async def client():
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    problem.install(app)

    @app.post("/loaves")
    async def bake(loaf: Loaf) -> str:
        if loaf.name == "bug":
            raise RuntimeError(SECRET)
        raise ProblemError(
            409,
            "oven_busy",
            "The oven is busy",
            "try again later",
            errors=[{"pointer": "/name", "code": "in_use", "detail": "is in the oven"}],
            headers={"Retry-After": "1"},
        )

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://bakery") as made:
        yield made


async def test_a_refusal_is_a_problem_document(client):
    answer = await client.post("/loaves", json={"name": "rye", "grams": 1})

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    assert answer.json() == {
        "type": "urn:joinedup:problem:oven_busy",
        "title": "The oven is busy",
        "status": 409,
        "code": "oven_busy",
        "detail": "try again later",
        "errors": [{"pointer": "/name", "code": "in_use", "detail": "is in the oven"}],
        "trace_id": "",
    }


async def test_what_pydantic_refuses_has_pointers_and_no_values(client):
    answer = await client.post("/loaves", json={"grams": SECRET, "flour": SECRET})

    assert answer.status_code == 422
    assert {(each["pointer"], each["code"]) for each in answer.json()["errors"]} == {
        ("/name", "field_required"),
        ("/grams", "int_parsing"),
        ("/flour", "field_unknown"),
    }
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "not_found"), ("GET", "/loaves", 405, "method_not_allowed")],
)
async def test_the_frameworks_own_errors_are_problems_too(client, method, path, status, code):
    answer = await client.request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 405:
        assert answer.headers["allow"] == "POST"


async def test_a_bug_is_internal_and_says_nothing(client, caplog):
    answer = await client.post("/loaves", json={"name": "bug", "grams": 1})

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert SECRET not in answer.text
    assert "request failed" in [each.msg for each in caplog.records]
