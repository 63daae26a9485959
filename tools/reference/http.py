"""The page of the HTTP interface, from the description that the service gives of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from services.events.entrypoints.http_api import create_app
from tools.reference.markdown import code, codes, page, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from services.events.entrypoints.publishing import Publishing
    from tools.reference.contracts import Contracts

_METHODS: Final = ("get", "post")
# An answer with more codes than these is told by its first.
_MOST_NAMED: Final = 15
_FIRST: Final = 2
_MORE: Final = """\
The whole description, with every type's schema and examples: `GET /openapi.json` of a running
platform (by default `http://127.0.0.1:17080/openapi.json`). Types:
[event-types.md](event-types.md). Codes: [errors.md](errors.md). `GET /health/live` and
`GET /health/ready` answer 200, or 503 while the service is not ready."""


def text(contracts: Contracts) -> str:
    """The page."""
    document = described(contracts)
    caller = document["components"]["securitySchemes"]["publisher"]["description"]
    routes = [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in _METHODS
    ]
    return page(
        "HTTP",
        document["info"]["description"].strip(),
        _MORE,
        "## Who is calling",
        caller,
        *(_route(*route) for route in routes),
        "## Documents",
        *_documents(document["components"]["schemas"], contracts),
    )


def described(contracts: Contracts) -> dict[str, Any]:
    """The OpenAPI document of an application that nobody calls."""
    app = create_app(cast("Publishing", None), contracts.register, lambda: True, hosts=())
    return app.openapi()


def _route(method: str, path: str, operation: Mapping[str, Any]) -> str:
    parts = [f"## {method.upper()} {path}", f"{operation['summary']}. {operation['description']}"]
    if "security" not in operation:
        parts.append("Open to everybody: no token.")
    if body := operation.get("requestBody"):
        parts.append(f"{body['description']} Content-Type: {codes(body['content'])}.")
    parts.append(
        table(
            ("parameter", "in", "meaning"),
            (
                (code(each["name"]), each["in"], each.get("description", ""))
                for each in operation.get("parameters", ())
            ),
        )
    )
    parts.append(table(("status", "answer", "meaning"), _answers(operation["responses"])))
    return "\n\n".join(part for part in parts if part)


def _answers(responses: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for status, response in sorted(responses.items()):
        names = [_name(each["schema"]) for each in response.get("content", {}).values()]
        problems = response["description"].startswith("One of: ")
        named = response["description"].removeprefix("One of: ").split(", ")
        meaning = _codes(named) if problems else response["description"]
        yield status, codes(names), meaning


def _codes(named: list[str]) -> str:
    if len(named) <= _MOST_NAMED:
        return codes(named)
    return f"{codes(named[:_FIRST])}, or [a fault of the event](errors.md#the-event)"


def _documents(schemas: Mapping[str, Any], contracts: Contracts) -> Iterator[str]:
    types = {each.name for each in contracts.register.event_types()}
    for name, schema in sorted(schemas.items()):
        if name in types or name.endswith("Error"):
            continue
        rows = _fields(schema["properties"].items(), frozenset(schema.get("required", ())))
        yield "\n\n".join(
            (f"### {name}", schema["description"], table(("field", "what it is", "meaning"), rows))
        )


def _fields(
    properties: Iterable[tuple[str, Any]], required: frozenset[str]
) -> Iterator[tuple[str, str, str]]:
    for name, schema in properties:
        may_be_absent = "" if name in required else ", or absent"
        yield code(name), f"{_name(schema)}{may_be_absent}", schema.get("description", "")


def _name(schema: Mapping[str, Any]) -> str:
    """What a value is, in a word or two."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_name(each) for each in schema["anyOf"])
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    if schema.get("type") == "array":
        return f"list of {_name(schema['items'])}"
    return str(schema.get("format") or schema.get("type", "any value"))
