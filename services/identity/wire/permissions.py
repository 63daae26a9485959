"""Permissions, what one may choose, and their history."""

from collections.abc import Iterable
from typing import Final

from joinedup.identity.v1 import permission_set_pb2, permissions_pb2
from services.identity.domain.agreement import Agreement
from services.identity.domain.permission import Choice, Flag, Permission, PermissionSet, Terms
from services.identity.domain.permission_history import Entry
from services.identity.ports import Effect
from services.identity.wire.values import instant, timestamp

PERMISSIONS: Final = "permissions.v1"
PERMISSION_SET_TYPE: Final = permission_set_pb2.PermissionSet.DESCRIPTOR.full_name

_CHOICES: Final = {
    Choice.UNSAID: permission_set_pb2.CHOICE_UNSPECIFIED,
    Choice.GIVEN: permission_set_pb2.CHOICE_GIVEN,
    Choice.WITHDRAWN: permission_set_pb2.CHOICE_WITHDRAWN,
    Choice.OBJECTED: permission_set_pb2.CHOICE_OBJECTED,
}
_FLAGS: Final = {Flag.DECEASED: permission_set_pb2.FLAG_DECEASED}


def terms_of(request: permissions_pb2.GiveRequest) -> Terms:
    """What a person agrees to."""
    ends = request.HasField("expires_at")
    return Terms(
        purpose=request.purpose,
        controller=request.controller,
        agreement_hash=request.agreement_hash,
        channels=tuple(request.channels),
        expires_at=instant(request.expires_at, "expires_at") if ends else None,
    )


def permission_message(permission: Permission) -> permission_set_pb2.Permission:
    """One row."""
    return permission_set_pb2.Permission(
        purpose=permission.purpose,
        controller=permission.controller,
        choice=_CHOICES[permission.choice],
        epoch=permission.epoch,
        lawful_basis=permission.lawful_basis,
        channels=permission.channels,
        expires_at=timestamp(permission.expires_at),
        agreement_hash=permission.agreement_hash,
    )


def permission_set_message(held: PermissionSet) -> permission_set_pb2.PermissionSet:
    """A whole set."""
    return permission_set_pb2.PermissionSet(
        subject=held.subject,
        serial=held.serial,
        permissions=map(permission_message, held.permissions),
        flags=[_FLAGS[flag] for flag in sorted(held.flags)],
        closed_cases=sorted(held.closed_cases),
    )


def permission_set_bytes(held: PermissionSet) -> bytes:
    """A whole set as it stands on the log."""
    return permission_set_message(held).SerializeToString(deterministic=True)


def permission_set_from(value: bytes) -> permission_set_pb2.PermissionSet:
    """The message that `permission_set_bytes` wrote."""
    return permission_set_pb2.PermissionSet.FromString(value)


def offer_messages(agreements: Iterable[Agreement], language: str) -> list[permissions_pb2.Offer]:
    """What one may choose, in one language."""
    return [
        permissions_pb2.Offer(
            purpose=each.purpose,
            controller=each.controller,
            purpose_name=each.purpose_name[language],
            controller_name=each.controller_name[language],
            text=each.text[language],
            agreement_hash=each.hash,
            lawful_basis=each.lawful_basis,
        )
        for each in agreements
    ]


def change_message(entry: Entry) -> permissions_pb2.PermissionChange:
    """One change of the history."""
    return permissions_pb2.PermissionChange(
        serial=entry.serial,
        purpose=entry.purpose,
        controller=entry.controller,
        choice=_CHOICES[entry.choice],
        epoch=entry.epoch,
        at=timestamp(entry.at),
        signed_by=entry.signed_by,
        hash=entry.hash,
        previous_hash=entry.previous_hash,
        lawful_basis=entry.lawful_basis,
        channels=entry.channels,
        expires_at=timestamp(entry.expires_at),
        agreement_hash=entry.agreement_hash,
        form=entry.form,
        ends=entry.ends,
        took_effect_at=timestamp(entry.took_effect_at),
    )


def effect_message(effect: Effect) -> permissions_pb2.Effect:
    """Since when the end of a permission holds."""
    return permissions_pb2.Effect(
        purpose=effect.purpose,
        controller=effect.controller,
        took_effect_at=timestamp(effect.took_effect_at),
    )
