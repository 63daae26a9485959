"""Spans as they leave the process, for tests that look at them."""

import asyncio

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from services.kit import telemetry
from services.kit.telemetry_attributes import ScrubbingExporter


class Spans(InMemorySpanExporter):
    """Collects what was exported."""

    async def both(self, name):
        """The client's and the server's span of a call, once both have ended."""
        async with asyncio.timeout(2):
            while True:
                named = [each for each in self.get_finished_spans() if each.name == name]
                kinds = {each.kind: each for each in named}
                if SpanKind.CLIENT in kinds and SpanKind.SERVER in kinds:
                    return kinds[SpanKind.CLIENT], kinds[SpanKind.SERVER]
                await asyncio.sleep(0.005)


@pytest.fixture(scope="session")
def exported():
    running = telemetry.start(
        "bakery", otlp_endpoint=None, sample_ratio=1.0, instance="1", environment="test"
    )
    collected = Spans()
    running.traces.add_span_processor(SimpleSpanProcessor(ScrubbingExporter(collected)))
    return collected


@pytest.fixture
def spans(exported):
    exported.clear()
    return exported
