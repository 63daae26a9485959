"""Identity's other calls, and all of them together: each translates and calls one handler."""

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration

from joinedup.identity.v1 import (
    access_log_pb2,
    access_log_pb2_grpc,
    enforcement_points_pb2,
    enforcement_points_pb2_grpc,
    permissions_pb2,
    permissions_pb2_grpc,
    sign_in_pb2,
    sign_in_pb2_grpc,
    subjects_pb2,
    subjects_pb2_grpc,
)
from services.identity import metrics
from services.identity.domain.access_line import (
    CHOICE_HISTORY,
    CHOICES,
    AccessLine,
    own_look,
)
from services.identity.domain.errors import FieldInvalid, SignInRefused
from services.identity.domain.permission import object_to, withdraw
from services.identity.entrypoints.grpc_access import AccessLog
from services.identity.entrypoints.grpc_errors import refusals
from services.identity.entrypoints.grpc_subjects import Subjects
from services.identity.entrypoints.surroundings import Servicer, Surroundings, subject_of
from services.identity.handlers.choices import (
    No,
    Refusal,
    give_permission,
    list_permissions,
    read_history,
    read_snapshot,
    refuse_permission,
)
from services.identity.handlers.enforcement import register_enforcement_point, renew_lease
from services.identity.handlers.sign_in import exchange_id_token
from services.identity.ports import EnforcementPoint
from services.identity.wire import permissions, values
from services.kit.rpc import caller_of
from services.kit.telemetry import current_traceparent

MAX_SUBJECTS: Final = 500
# A no waits this long for everybody's word; less when the caller waits less.
EFFECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 0.5


class Permissions(Servicer, permissions_pb2_grpc.PermissionsServicer):
    """A person's choices; whose they are, the caller's token says."""

    async def List(  # noqa: N802  # the contract's name
        self, request: permissions_pb2.ListRequest, _context: Any
    ) -> permissions_pb2.ListResponse:
        """The caller's set, and what one may choose."""
        with refusals():
            language = values.language_of(request.language)
            held, effects = await list_permissions(self._around.store, self._own_look(CHOICES))
        agreements = self._around.agreements.current
        return permissions_pb2.ListResponse(
            permissions=permissions.permission_set_message(held),
            offers=permissions.offer_messages(agreements.values(), language),
            effects=map(permissions.effect_message, effects),
        )

    async def Give(  # noqa: N802  # the contract's name
        self, request: permissions_pb2.GiveRequest, _context: Any
    ) -> permissions_pb2.GiveResponse:
        """Permission stands."""
        around = self._around
        with refusals():
            outcome, row = await give_permission(
                around.store,
                around.agreements.current,
                subject_of(),
                permissions.terms_of(request),
                if_serial=request.if_serial,
                now=around.clock.now(),
            )
        metrics.permission_given(len(outcome.changes))
        message = permissions.permission_message(row)
        return permissions_pb2.GiveResponse(permission=message, serial=outcome.after.serial)

    async def Withdraw(  # noqa: N802  # the contract's name
        self, request: permissions_pb2.WithdrawRequest, context: Any
    ) -> permissions_pb2.WithdrawResponse:
        """Permission is taken back."""
        refused = await self._refuse(withdraw, request, context)
        return permissions_pb2.WithdrawResponse(
            permission=permissions.permission_message(refused.permission),
            serial=refused.serial,
            took_effect_at=values.timestamp(refused.took_effect_at),
            outstanding=refused.outstanding,
        )

    async def Object(  # noqa: N802  # the contract's name
        self, request: permissions_pb2.ObjectRequest, context: Any
    ) -> permissions_pb2.ObjectResponse:
        """The person objects."""
        refused = await self._refuse(object_to, request, context)
        return permissions_pb2.ObjectResponse(
            permission=permissions.permission_message(refused.permission),
            serial=refused.serial,
            took_effect_at=values.timestamp(refused.took_effect_at),
            outstanding=refused.outstanding,
        )

    async def _refuse(
        self,
        no: No,
        request: permissions_pb2.WithdrawRequest | permissions_pb2.ObjectRequest,
        context: Any,
    ) -> Refusal:
        around = self._around
        begun = around.clock.monotonic()
        patience = min(EFFECT_SECONDS, context.time_remaining() - ANSWER_SECONDS)
        with refusals():
            refused = await refuse_permission(
                around.store,
                around.agreements.current,
                around.fencing,
                subject_of(),
                no=no,
                purpose=request.purpose,
                controller=request.controller,
                if_serial=request.if_serial,
                now=around.clock.now(),
                within_seconds=patience,
            )
        metrics.permission_refused(refused, around.clock.monotonic() - begun)
        return refused

    async def History(  # noqa: N802  # the contract's name
        self, _request: permissions_pb2.HistoryRequest, _context: Any
    ) -> permissions_pb2.HistoryResponse:
        """Every change of the caller's rows."""
        with refusals():
            entries = await read_history(self._around.store, self._own_look(CHOICE_HISTORY))
        return permissions_pb2.HistoryResponse(changes=map(permissions.change_message, entries))

    async def Snapshot(  # noqa: N802  # the contract's name
        self, request: permissions_pb2.SnapshotRequest, _context: Any
    ) -> permissions_pb2.SnapshotResponse:
        """Whole sets, for services."""
        with refusals():
            if len(request.subjects) > MAX_SUBJECTS:
                raise FieldInvalid("subjects", "list_too_long")
            sets = await read_snapshot(
                self._around.store,
                request.subjects,
                service=caller_of().service or "",
                now=self._around.clock.now(),
            )
        return permissions_pb2.SnapshotResponse(sets=map(permissions.permission_set_message, sets))

    def _own_look(self, field: str) -> AccessLine:
        """The line of a person who looks at themselves."""
        around, trace_id = self._around, values.trace_id_of(current_traceparent())
        return own_look(around.new_id(), subject_of(), (field,), around.clock.now(), trace_id)


class EnforcementPoints(Servicer, enforcement_points_pb2_grpc.EnforcementPointsServicer):
    """Leases of the processes that stream or open content."""

    async def Register(  # noqa: N802  # the contract's name
        self, request: enforcement_points_pb2.EnforcementPointsRegisterRequest, _context: Any
    ) -> enforcement_points_pb2.EnforcementPointsRegisterResponse:
        """Announce a process."""
        with refusals():
            point = EnforcementPoint(
                instance=values.present(request.instance, "instance"),
                address=values.present(request.address, "address"),
            )
            await register_enforcement_point(self._around.book, point)
        return enforcement_points_pb2.EnforcementPointsRegisterResponse(lease=self._lease())

    async def Renew(  # noqa: N802  # the contract's name
        self, request: enforcement_points_pb2.RenewRequest, _context: Any
    ) -> enforcement_points_pb2.RenewResponse:
        """Prolong a lease."""
        with refusals():
            instance = values.present(request.instance, "instance")
            await renew_lease(self._around.book, instance)
        return enforcement_points_pb2.RenewResponse(lease=self._lease())

    def _lease(self) -> Duration:
        lease = Duration()
        lease.FromTimedelta(self._around.lease)
        return lease


class SignIn(Servicer, sign_in_pb2_grpc.SignInServicer):
    """From the identity provider's word to the platform's own."""

    async def Exchange(  # noqa: N802  # the contract's name
        self, request: sign_in_pb2.ExchangeRequest, _context: Any
    ) -> sign_in_pb2.ExchangeResponse:
        """An ID token for a person token."""
        around = self._around
        with refusals():
            try:
                signed_in = await exchange_id_token(
                    around.store,
                    around.id_tokens,
                    around.person_tokens,
                    id_token=request.id_token,
                    nonce=request.nonce,
                    now=around.clock.now(),
                )
            except SignInRefused as refused:
                metrics.signed_in(refused.code)
                raise
        metrics.signed_in("exchanged")
        return sign_in_pb2.ExchangeResponse(
            person_token=signed_in.token,
            expires_at=values.timestamp(signed_in.expires_at),
            language=signed_in.language,
        )


def services(around: Surroundings) -> list[tuple[Any, Any, str]]:
    """What the server serves: add function, servicer and full name of each service."""
    modules: Mapping[Any, tuple[Any, Any]] = {
        subjects_pb2: (subjects_pb2_grpc.add_SubjectsServicer_to_server, Subjects),
        permissions_pb2: (permissions_pb2_grpc.add_PermissionsServicer_to_server, Permissions),
        enforcement_points_pb2: (
            enforcement_points_pb2_grpc.add_EnforcementPointsServicer_to_server,
            EnforcementPoints,
        ),
        access_log_pb2: (access_log_pb2_grpc.add_AccessLogServicer_to_server, AccessLog),
        sign_in_pb2: (sign_in_pb2_grpc.add_SignInServicer_to_server, SignIn),
    }
    return [
        (add, servicer(around), module.DESCRIPTOR.services_by_name[servicer.__name__].full_name)
        for module, (add, servicer) in modules.items()
    ]
