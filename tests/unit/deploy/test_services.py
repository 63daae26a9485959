"""Every service is told where the others are, and nothing it did not ask for."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from deploy.local import services
from deploy.local.errors import LocalError

ROOT = Path(__file__).resolve().parents[3]
AROUND = services.Surroundings(
    root=Path("/clone"),
    home=Path("/home/of/this"),
    port_base=17000,
    kafka_bootstrap="127.0.0.1:17092",
    redis_url="redis://127.0.0.1:17379/0",
    database_urls={name: f"postgresql://{name}@db/{name}" for name in services.WITH_DATABASE},
)
FIELD = re.compile(r"^    (\w+): ", re.MULTILINE)  # a field of a settings class


def test_each_setting_carries_its_service_name() -> None:
    for name, found in services.environments(AROUND, {}).items():
        prefix = f"{services.package_of(name).upper()}_"
        others = {"PYTHONPATH", "PYTHONUNBUFFERED", "JOINEDUP_HOME", "GRPC_EXPERIMENTS"}

        assert all(key.startswith(prefix) for key in set(found) - others)


@pytest.mark.parametrize("name", services.NAMES)
def test_a_service_declares_every_setting_it_is_given(name: str) -> None:
    own = ROOT / "services" / name / "settings.py"
    common = ROOT / "services" / "kit" / "settings.py"
    declared = {
        f"{name}_{field}".upper()
        for path in (own, common)
        for field in FIELD.findall(path.read_text())
    }
    given = {key for key in services.environments(AROUND, {})[name] if key.startswith(name.upper())}

    assert given <= declared, "a setting nobody reads is a setting misspelt"


def test_only_services_with_a_database_get_one() -> None:
    found = services.environments(AROUND, {})

    holders = {name for name in services.NAMES if f"{name.upper()}_DATABASE_URL" in found[name]}
    assert holders == set(services.WITH_DATABASE)


def test_an_override_reaches_one_service_and_its_replicas() -> None:
    found = services.environments(AROUND, {"NOTIFICATIONS_LOG_LEVEL": "debug"})

    holders = [name for name in found if found[name].get("NOTIFICATIONS_LOG_LEVEL") == "debug"]
    assert holders == ["notifications", "notifications_2"]


def test_an_override_for_services_reaches_each_under_its_own_name() -> None:
    found = services.environments(AROUND, {"SERVICES_CLOCK_OFFSET_SECONDS": "3600"})

    assert found["nudges"]["NUDGES_CLOCK_OFFSET_SECONDS"] == "3600"
    assert found["portal"]["PORTAL_CLOCK_OFFSET_SECONDS"] == "3600"


@pytest.mark.parametrize("name", ["NUDGE_LOG_LEVEL", "log_level", "PATH"])
def test_a_misspelt_override_is_refused(name: str) -> None:
    with pytest.raises(LocalError, match="setting of no service"):
        services.environments(AROUND, {name: "x"})


def test_a_replica_has_ports_of_its_own_and_the_key_of_its_service() -> None:
    found = services.environments(AROUND, {})
    first, second = found["notifications"], found["notifications_2"]

    assert first["NOTIFICATIONS_GRPC_PORT"] != second["NOTIFICATIONS_GRPC_PORT"]
    assert second["NOTIFICATIONS_ADVERTISED_TARGET"].endswith(second["NOTIFICATIONS_GRPC_PORT"])
    assert first["NOTIFICATIONS_SERVICE_KEY_FILE"] == second["NOTIFICATIONS_SERVICE_KEY_FILE"]


@pytest.mark.parametrize("name", services.NAMES)
def test_every_named_service_is_a_package_that_can_be_run(name: str) -> None:
    assert importlib.util.find_spec(f"services.{name}.__main__") is not None
