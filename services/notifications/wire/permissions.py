"""Permission sets, from the topic, from Fence and from identity's answer."""

from typing import Final

from joinedup.identity.v1 import permission_set_pb2
from services.kit.ids import is_id
from services.notifications.domain.errors import DecisionInvalid
from services.notifications.domain.permission import Choice, Flag, Permission, PermissionSet
from services.notifications.wire.texts import storable
from services.notifications.wire.times import moment_or_none

_CHOICES: Final = {
    permission_set_pb2.CHOICE_GIVEN: Choice.GIVEN,
    permission_set_pb2.CHOICE_WITHDRAWN: Choice.WITHDRAWN,
    permission_set_pb2.CHOICE_OBJECTED: Choice.OBJECTED,
}


def permission_set_of(message: permission_set_pb2.PermissionSet) -> PermissionSet:
    """The set in a message; raises DecisionInvalid.

    A choice that is not known here means no, and a flag that is not known here silences: what a
    newer identity says is never read as leave to send.
    """
    if not is_id(message.subject) or message.serial < 0:
        raise DecisionInvalid("decode")
    storable(*message.closed_cases)
    # A (purpose, controller) that stands twice counts as its last row, as protobuf's own maps do.
    rows = {(each.purpose, each.controller): _permission(each) for each in message.permissions}
    return PermissionSet(
        subject=message.subject,
        serial=message.serial,
        permissions=tuple(rows.values()),
        flags=frozenset({Flag.DECEASED} if message.flags else ()),
        closed_cases=frozenset(message.closed_cases),
    )


def _permission(message: permission_set_pb2.Permission) -> Permission:
    storable(message.purpose, message.controller, message.lawful_basis, *message.channels)
    return Permission(
        purpose=message.purpose,
        controller=message.controller,
        choice=_CHOICES.get(message.choice, Choice.UNSAID),
        epoch=message.epoch,
        channels=frozenset(message.channels),
        expires_at=moment_or_none(message, "expires_at"),
        basis=message.lawful_basis,
    )
