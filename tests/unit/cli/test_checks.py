"""The doctor asks each of our processes where the launcher put its probe."""

from deploy.local.ports import OFFSETS, address, url
from joinedup.cli.checks import probes

BASE = 17000


def test_every_service_is_asked_at_its_own_probe():
    endpoints = {
        "events_http": url(BASE, "events_http"),
        "events_grpc": address(BASE, "events_grpc"),
        "identity_grpc": address(BASE, "identity_grpc"),
        "notifications_grpc": address(BASE, "notifications_grpc"),
        "portal": url(BASE, "portal"),
        "metrics": f"{url(BASE, 'events_probe')}/metrics",
    }

    assert probes(endpoints) == {
        name: f"http://127.0.0.1:{BASE + OFFSETS[f'{name}_probe']}/health/ready"
        for name in ("events", "identity", "nudges", "notifications", "portal")
    }


def test_what_does_not_run_is_not_asked():
    assert set(probes({"portal": "http://127.0.0.1:17070"})) == {"portal"}
