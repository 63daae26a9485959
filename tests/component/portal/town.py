"""Identity and notifications as the portal meets them: real gRPC servers with a town in memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import grpc
from joserfc import jws

from joinedup.identity.v1 import permission_set_pb2 as sets
from joinedup.identity.v1 import permissions_pb2, sign_in_pb2
from joinedup.identity.v1.permissions_pb2_grpc import (
    PermissionsServicer,
    add_PermissionsServicer_to_server,
)
from joinedup.identity.v1.sign_in_pb2_grpc import SignInServicer, add_SignInServicer_to_server
from joinedup.notifications.v1 import prompts_pb2
from joinedup.notifications.v1.prompts_pb2_grpc import (
    PromptsServicer,
    add_PromptsServicer_to_server,
)
from services.kit import rpc
from services.kit.access import AccessTable
from services.kit.clock import ManualClock
from services.kit.ids import new_random_id
from services.kit.service_tokens import (
    PERSON_AUDIENCE,
    PERSON_TYPE,
    TokenSigner,
    TokenVerifier,
    generate_keypair,
)

ROOT: Final = Path(__file__).resolve().parents[3]
MAIR: Final = "mair"
HASH: Final = "a" * 64
HMRC_EN: Final = "HM Revenue and Customs may suggest help for your family."
HMRC_CY: Final = "Caiff Cyllid a Thollau EF awgrymu help i'ch teulu."


@dataclass
class Town:
    """What the two services know; tests read and change it."""

    clock: ManualClock
    keys: Path
    token_seconds: float = 900
    people: dict[str, str] = field(default_factory=lambda: {MAIR: new_random_id()})
    language: str = "en"
    serial: int = 1
    agreement: str = HASH
    given: dict[tuple[str, str], bool] = field(default_factory=dict)
    objected: set[tuple[str, str]] = field(default_factory=set)
    outstanding: int = 0
    prompts: dict[str, prompts_pb2.State.ValueType] = field(default_factory=dict)
    opened: list[tuple[str, str, str]] = field(default_factory=list)
    said: dict[str, prompts_pb2.Response.ValueType] = field(default_factory=dict)
    title: str = ""
    digests: dict[str, list[str]] = field(default_factory=dict)
    broken: Exception | None = None
    exchanged: int = 0

    def begin_again(self, now: datetime) -> None:
        """Forget everything that a test did."""
        self.clock.set(now)
        self.__init__(self.clock, self.keys)  # type: ignore[misc]  # the fields' own defaults

    def person_token(self, handle: str) -> str:
        signer = TokenSigner(
            "identity", self.keys / "people.private.pem", PERSON_TYPE, min(self.token_seconds, 900)
        )
        claims = {"sub": handle, "jti": new_random_id()}
        return signer.sign(PERSON_AUDIENCE, self.clock.now(), claims)

    def prompt(self, state: prompts_pb2.State.ValueType = prompts_pb2.STATE_SENT) -> str:
        prompt_id = new_random_id()
        self.prompts[prompt_id] = state
        return prompt_id

    def check(self) -> None:
        if self.broken is not None:
            raise self.broken


class Identity(SignInServicer, PermissionsServicer):
    def __init__(self, town: Town) -> None:
        self.town = town

    async def Exchange(self, request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        self.town.check()
        read = json.loads(jws.extract_compact(request.id_token.encode()).payload)
        assert read["nonce"] == request.nonce
        handle = self.town.people.get(read["sub"])
        if handle is None:
            raise rpc.RpcRefused(grpc.StatusCode.NOT_FOUND, "person_unknown")
        self.town.exchanged += 1
        answer = sign_in_pb2.ExchangeResponse(
            person_token=self.town.person_token(handle), language=self.town.language
        )
        answer.expires_at.FromDatetime(
            self.town.clock.now() + timedelta(seconds=self.town.token_seconds)
        )
        return answer

    async def List(self, request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        self.town.check()
        welsh = request.language == "cy"
        answer = permissions_pb2.ListResponse()
        answer.permissions.serial = self.town.serial
        for (purpose, controller), given in self.town.given.items():
            objected = (purpose, controller) in self.town.objected
            no = sets.CHOICE_OBJECTED if objected else sets.CHOICE_WITHDRAWN
            answer.permissions.permissions.add(
                purpose=purpose,
                controller=controller,
                choice=sets.CHOICE_GIVEN if given else no,
            )
            if not given:
                effect = answer.effects.add(purpose=purpose, controller=controller)
                self._effect(effect)
        answer.offers.add(
            purpose="family",
            purpose_name="Teulu a phlant" if welsh else "Family and children",
            controller="hmrc",
            controller_name="Cyllid a Thollau EF" if welsh else "HM Revenue and Customs",
            text=HMRC_CY if welsh else HMRC_EN,
            agreement_hash=self.town.agreement,
        )
        answer.offers.add(
            purpose="driving",
            purpose_name="Gyrru" if welsh else "Driving",
            controller="dvla",
            controller_name="DVLA",
            text="DVLA.",
            agreement_hash=self.town.agreement,
        )
        return answer

    async def Give(self, request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        self.town.check()
        if request.if_serial not in {0, self.town.serial}:
            raise rpc.RpcRefused(grpc.StatusCode.ABORTED, "serial_stale")
        if request.agreement_hash != self.town.agreement:
            raise rpc.RpcRefused(grpc.StatusCode.FAILED_PRECONDITION, "agreement_changed")
        self.town.given[request.purpose, request.controller] = True
        self.town.objected.discard((request.purpose, request.controller))
        self.town.serial += 1
        return permissions_pb2.GiveResponse(serial=self.town.serial)

    async def Withdraw(self, request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        self.town.check()
        if (request.purpose, request.controller) not in self.town.given:
            raise rpc.RpcRefused(grpc.StatusCode.INVALID_ARGUMENT, "offer_unknown")
        self.town.given[request.purpose, request.controller] = False
        self.town.serial += 1
        answer = permissions_pb2.WithdrawResponse(
            serial=self.town.serial, outstanding=self.town.outstanding
        )
        return self._effect(answer)

    async def Object(self, request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        self.town.check()
        self.town.given[request.purpose, request.controller] = False
        self.town.objected.add((request.purpose, request.controller))
        self.town.serial += 1
        answer = permissions_pb2.ObjectResponse(
            serial=self.town.serial, outstanding=self.town.outstanding
        )
        return self._effect(answer)

    def _effect(self, answer: Any) -> Any:
        if not self.town.outstanding:
            answer.took_effect_at.FromDatetime(self.town.clock.now())
        return answer


class Notifications(PromptsServicer):
    def __init__(self, town: Town) -> None:
        self.town = town

    async def List(self, request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        self.town.check()
        if request.page_token and not request.page_token.isdigit():
            raise rpc.RpcRefused(grpc.StatusCode.INVALID_ARGUMENT, "page_token_invalid")
        first = int(request.page_token or 0)
        ids = list(self.town.prompts)[first : first + request.page_size]
        answer = prompts_pb2.ListResponse()
        for prompt_id in ids:
            entry = answer.entries.add(prompt_id=prompt_id, state=self.town.prompts[prompt_id])
            entry.at.FromDatetime(self.town.clock.now())
        if first + len(ids) < len(self.town.prompts):
            answer.next_page_token = str(first + len(ids))
        return answer

    async def Open(self, request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        self.town.check()
        state = self.town.prompts.get(request.prompt_id)
        if state is None:
            raise rpc.RpcRefused(grpc.StatusCode.NOT_FOUND, "prompt_unknown")
        if state == prompts_pb2.STATE_SUPPRESSED:
            raise rpc.RpcRefused(grpc.StatusCode.FAILED_PRECONDITION, "prompt_withdrawn")
        self.town.opened.append((request.prompt_id, request.channel, request.language))
        self.town.prompts[request.prompt_id] = prompts_pb2.STATE_OPENED
        said = self._said(request.prompt_id, request.language)
        parts = self.town.digests.get(request.prompt_id)
        if parts is None:
            return said
        return prompts_pb2.OpenResponse(
            prompt_id=request.prompt_id,
            language=said.language,
            title="Some suggestions are open to you again",
            body="We had stopped them.",
            parts=[self._said(each, request.language) for each in parts],
        )

    def _said(self, prompt_id: str, language: str) -> Any:
        welsh = language == "cy"
        why = prompts_pb2.Why(
            rule="Cofrestrwyd genedigaeth." if welsh else "A birth was registered that names you.",
            facts=[
                prompts_pb2.WhyFact(
                    label="Cofrestrwyd" if welsh else "Birth registered on",
                    value="20 Tachwedd 2026" if welsh else "20 November 2026",
                    source="GRO",
                    date="20 Tachwedd 2026" if welsh else "20 November 2026",
                )
            ],
            reference="https://www.gov.uk/child-benefit",
            lawful_basis="Eich caniatâd." if welsh else "Your permission.",
            controller_name="Cyllid a Thollau EF" if welsh else "HM Revenue and Customs",
            how_to_object="Gallwch ei atal." if welsh else "You can object at any time.",
            contact="0300 200 1900" if welsh else "Child Benefit helpline, 0300 200 3100",
            nudge="family.child-benefit 1.0",
        )
        title = "Gallwch hawlio Budd-dal Plant" if welsh else "You can claim Child Benefit"
        return prompts_pb2.OpenResponse(
            prompt_id=prompt_id,
            language="cy" if welsh else "en",
            title=self.town.title or title,
            body="Testun." if welsh else "It can be paid back for up to 3 months.",
            link="https://www.gov.uk/child-benefit/how-to-claim",
            why=why,
            purpose="family",
            controller="hmrc",
            deadline="18 Chwefror 2027" if welsh else "18 February 2027",
            value="Taliad wythnosol" if welsh else "A weekly payment",
            response=self.town.said.get(prompt_id, prompts_pb2.RESPONSE_UNSPECIFIED),
        )

    async def Respond(self, request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        self.town.check()
        if request.prompt_id not in self.town.prompts:
            raise rpc.RpcRefused(grpc.StatusCode.NOT_FOUND, "prompt_unknown")
        assert request.channel == "inbox"
        self.town.said[request.prompt_id] = request.response
        return prompts_pb2.RespondResponse(state=prompts_pb2.STATE_OPENED)


class Server:
    """One running server, which a test may take away."""

    def __init__(self, town: Town, name: str, services: Sequence[rpc.AddService]) -> None:
        people = town.keys / "people.public.pem"
        self._server = rpc.create_server(
            "127.0.0.1:0",
            add_services=services,
            access=AccessTable.load(ROOT / "protos" / "rpc-access.yaml"),
            verifier=TokenVerifier(name, town.keys, people, clock=town.clock),
        )
        self._stop = asyncio.Event()
        self.address = f"127.0.0.1:{rpc.port_of(self._server)}"

    async def start(self) -> Self:
        ready = asyncio.Event()
        self._serving = asyncio.create_task(
            rpc.serve(self._server, self._stop, ready=ready.set, grace_seconds=0.1)
        )
        await ready.wait()
        return self

    async def stop(self) -> None:
        self._stop.set()
        await self._serving


@dataclass
class Served:
    """The town's two servers."""

    identity: Server
    notifications: Server

    async def stop(self) -> None:
        await asyncio.gather(self.identity.stop(), self.notifications.stop())


def make_town(keys: Path, now: datetime) -> Town:
    generate_keypair(keys / "people.private.pem", keys / "people.public.pem")
    return Town(ManualClock(now), keys)


@asynccontextmanager
async def served(town: Town) -> AsyncIterator[Served]:
    """The two servers, running."""
    people = Identity(town)  # type: ignore[abstract]  # the portal calls no other method
    prompts = Notifications(town)  # type: ignore[abstract]  # the same
    running = Served(
        await Server(
            town,
            "identity",
            [
                (add_SignInServicer_to_server, people, named(sign_in_pb2, "SignIn")),
                (add_PermissionsServicer_to_server, people, named(permissions_pb2, "Permissions")),
            ],
        ).start(),
        await Server(
            town,
            "notifications",
            [(add_PromptsServicer_to_server, prompts, named(prompts_pb2, "Prompts"))],
        ).start(),
    )
    try:
        yield running
    finally:
        await running.stop()


def named(contract: Any, service: str) -> str:
    return str(contract.DESCRIPTOR.services_by_name[service].full_name)
