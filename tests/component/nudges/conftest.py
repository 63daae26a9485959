"""Spans as they leave the process, and a worker whose outside is in memory."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.kit import telemetry
from services.kit.telemetry_attributes import ScrubbingExporter


@pytest.fixture(scope="session")
def exported():
    running = telemetry.start(
        "nudges", otlp_endpoint=None, sample_ratio=1.0, instance="1", environment="test"
    )
    collected = InMemorySpanExporter()
    running.traces.add_span_processor(SimpleSpanProcessor(ScrubbingExporter(collected)))
    return collected


@pytest.fixture
def spans(exported):
    exported.clear()
    return exported
