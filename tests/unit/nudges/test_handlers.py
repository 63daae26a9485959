"""A chunk in, one outcome for each value out, and everybody's permissions asked for once."""

from __future__ import annotations

import pytest

from services.nudges.domain.errors import PermissionsUnavailable
from services.nudges.handlers import process_chunk
from services.nudges.ports import Decided, PoisonReason, SetAside
from services.nudges.wire import ProtobufContract
from tests.unit.nudges.builders import NOW, a_catalogue, a_nudge, a_permission, a_record, a_set


class Permissions:
    def __init__(self) -> None:
        self.asked: list[dict[str, int]] = []

    async def at_least(self, serials):
        self.asked.append(dict(serials))
        return {each: a_set(a_permission(), subject=each, serial=9) for each in serials}


async def process(values, permissions):
    catalogue = a_catalogue(a_nudge())
    return await process_chunk(
        values,
        NOW,
        contract=ProtobufContract(),
        permissions=permissions,
        catalogue=lambda: catalogue,
    )


def value(**overrides):
    return a_record(**overrides).SerializeToString()


async def test_one_outcome_for_each_value_in_their_order():
    permissions = Permissions()
    values = [
        value(event_id="a" * 26),
        b"\xff",
        value(event_id="b" * 26, subject="f" * 26, role="father"),
        value(type="civil-registration.birth.registered.v2"),
        value(event_id="c" * 26),
    ]

    first, poison, second, future, third = await process(values, permissions)

    assert [each.decision.event_id[0] for each in (first, second, third)] == ["a", "b", "c"]
    assert poison == SetAside(PoisonReason.DECODE)
    assert future == SetAside(PoisonReason.SCHEMA_FUTURE)
    assert all(isinstance(each, Decided) for each in (first, second, third))


async def test_everybody_is_asked_for_once_with_the_newest_serial_needed():
    permissions = Permissions()
    mother, father = "m" * 26, "f" * 26
    values = [
        value(subject=mother, permission_serial=2),
        value(subject=father, permission_serial=0),
        value(subject=mother, permission_serial=5),
        value(subject=mother, permission_serial=1),
    ]

    await process(values, permissions)

    assert permissions.asked == [{mother: 5, father: 0}]


async def test_a_chunk_of_poison_asks_nobody():
    permissions = Permissions()

    assert await process([b"\xff", b"\xfe"], permissions) == [SetAside(PoisonReason.DECODE)] * 2
    assert permissions.asked == []


async def test_while_nobody_can_say_nothing_is_decided():
    class Away:
        async def at_least(self, serials):
            raise PermissionsUnavailable("unavailable")

    with pytest.raises(PermissionsUnavailable):
        await process([value()], Away())
