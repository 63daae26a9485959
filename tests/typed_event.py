"""A life event as a department's program sets it, field by field, from its JSON form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from joinedup.events.v1 import life_events_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Mapping


def typed(told: Mapping[str, Any]) -> pb.LifeEvent:
    """The event of a JSON form; raises json_format.ParseError when it cannot be set so."""
    data = dict(told.get("data", {}))
    flat = {**{name: each for name, each in told.items() if name not in LEFT_OUT}, **data}
    if "reason" in data:
        flat["reason"] = f"REASON_{data['reason']}".upper()
    return json_format.ParseDict(flat, pb.LifeEvent())


# What the form alone says, and what is in `data`.
LEFT_OUT = frozenset({"specversion", "datacontenttype", "data"})
