"""One journey as the trace page has it: the processes it went through, and whether it is whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from deploy.local import ports
from services.kit.telemetry_attributes import ScrubbingExporter, resource

JOURNEY: Final = frozenset(
    {"department", "events", "identity", "nudges", "notifications", "device"}
)


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace's spans as Zipkin tells them."""

    trace_id: str
    spans: Sequence[Mapping[str, Any]]

    @property
    def services(self) -> frozenset[str]:
        """The processes it went through."""
        return frozenset(each["localEndpoint"]["serviceName"] for each in self.spans)

    @property
    def roots(self) -> int:
        """Spans without a parent; a whole trace has one."""
        return sum("parentId" not in each for each in self.spans)

    @property
    def orphans(self) -> list[str]:
        """Names of spans whose parent is not in the trace; a whole trace has none."""
        known = {each["id"] for each in self.spans}
        return [
            f"{each['localEndpoint']['serviceName']} {each.get('name', '')}"
            for each in self.spans
            if "parentId" in each and each["parentId"] not in known
        ]

    @property
    def whole(self) -> bool:
        """One root, no orphan, every process of the journey."""
        return self.roots == 1 and not self.orphans and self.services >= JOURNEY


class Traces:
    """The demo's own spans, and reading traces back."""

    def __init__(self, address: str, *, instance: str, share: float = 1.0) -> None:
        """`share` of the journeys are traced: every process follows the one that begins."""
        self._address = address.rstrip("/")
        self._sampler = ParentBased(TraceIdRatioBased(share))
        base = (urlsplit(address).port or 0) - ports.OFFSETS["traces"]
        self._otlp = f"{ports.url(base, 'otlp')}/v1/traces"
        self._http = httpx.AsyncClient(timeout=10, trust_env=False)
        self._providers = {
            name: self._provider(name, instance) for name in ("department", "device")
        }

    def provider(self, name: str) -> TracerProvider:
        """Where the department's, or the device's, spans go."""
        return self._providers[name]

    def link(self, trace_id: str) -> str:
        """A trace's page."""
        return f"{self._address}/zipkin/traces/{trace_id}"

    async def read(self, trace_id: str) -> Trace | None:
        """A trace as far as it has arrived; None when nothing has."""
        for provider in self._providers.values():
            provider.force_flush(2_000)
        try:
            answer = await self._http.get(f"{self._address}/api/v2/trace/{trace_id}")
        except httpx.HTTPError:
            return None
        if not answer.is_success:
            return None
        # Client and server halves of one call may share an id in Zipkin's model; ours never do.
        return Trace(trace_id, answer.json())

    async def whole(self, trace_id: str) -> Trace | None:
        """The trace once it is whole; an answer for `seen`."""
        found = await self.read(trace_id)
        return found if found is not None and found.whole else None

    async def close(self) -> None:
        """Send what is left."""
        for provider in self._providers.values():
            provider.shutdown()
        await self._http.aclose()

    def _provider(self, name: str, instance: str) -> TracerProvider:
        provider = TracerProvider(
            sampler=self._sampler,
            resource=resource(name, instance, "local"),
            shutdown_on_exit=False,
        )
        exporter = ScrubbingExporter(OTLPSpanExporter(endpoint=self._otlp, timeout=5))
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
        return provider
