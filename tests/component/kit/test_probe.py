"""A process's probe port answers whatever the process is busy with."""

import urllib.error
import urllib.request

import pytest
from prometheus_client import CollectorRegistry, Counter

from services.kit.probe import Probe


@pytest.fixture
def probe():
    registry = CollectorRegistry()
    Counter("loaves", "Loaves baked.", registry=registry).inc(3)
    running = Probe("127.0.0.1", 0, ("kafka", "grpc"), registry)
    running.start()
    yield running
    running.stop()


def ask(probe, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{probe.port}{path}", timeout=2) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def test_a_process_that_answers_lives(probe):
    assert ask(probe, "/health/live")[0] == 200


def test_a_process_is_ready_once_every_condition_is_met(probe):
    before = ask(probe, "/health/ready")
    probe.ready("kafka")
    half = ask(probe, "/health/ready")
    probe.ready("grpc")
    after = ask(probe, "/health/ready")

    assert [before[0], half[0], after[0]] == [503, 503, 200]
    assert '"kafka": true, "grpc": false' in half[1]


def test_a_condition_can_be_taken_back(probe):
    probe.ready("kafka")
    probe.ready("grpc")
    probe.not_ready("kafka")

    assert ask(probe, "/health/ready")[0] == 503


def test_an_undeclared_condition_is_a_mistake(probe):
    with pytest.raises(KeyError):
        probe.ready("redis")


def test_metrics_are_prometheus_text(probe):
    status, text = ask(probe, "/metrics?x=1")

    assert status == 200
    assert "loaves_total 3.0" in text


@pytest.mark.parametrize("path", ["/", "/health", "/../etc/passwd", "/metrics/"])
def test_there_is_nothing_else(probe, path):
    assert ask(probe, path)[0] == 404


def test_a_taken_port_is_an_error(probe):
    with pytest.raises(OSError, match="in use"):
        Probe("127.0.0.1", probe.port).start()
