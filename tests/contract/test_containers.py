"""Every container may do what it must and no more, and starts after what it needs."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest

from deploy.compose.__main__ import SIGN_IN_HOST
from deploy.compose.handing_out import parts
from deploy.local import services
from tests.containers import (
    COMPOSE,
    HOME,
    ONCE,
    ROOT,
    VARIABLE,
    composition,
    instructions_of,
    stages,
)

WHOLE: Final = composition()
CONTAINERS: Final[dict[str, dict[str, Any]]] = WHOLE["services"]
NAMES: Final = sorted(CONTAINERS)
OURS: Final = [name for name in NAMES if "build" in CONTAINERS[name]]
OFFICIAL: Final = {
    "kafka": "apache/kafka",
    "postgres": "postgres",
    "redis": "redis",
    "zipkin": "openzipkin/zipkin",
}
# A misspelt key would be a setting that nobody has.
KEYS: Final = {
    *("build", "cap_drop", "command", "configs", "cpu_shares", "depends_on", "deploy"),
    *("environment", "group_add", "healthcheck", "image", "init", "logging", "networks", "ports"),
    *("read_only", "restart", "security_opt", "shm_size", "stop_signal", "tmpfs", "user"),
    "volumes",
}
# What writes elsewhere than into its volumes, and why nobody stops it; this only shrinks.
WRITES: Final = {
    "kafka": "its entry point writes the broker's properties and logs below /opt/kafka",
    "zipkin": "its server unpacks native libraries, which a folder in memory may not run",
}


def megabytes(text: str) -> int:
    found = re.fullmatch(r"(\d+)mb?", text.lower())
    assert found is not None, text
    return int(found[1])


def limit(name: str) -> dict[str, Any]:
    found: dict[str, Any] = CONTAINERS[name]["deploy"]["resources"]["limits"]
    return found


def pinned(name: str) -> tuple[str, str]:
    image, _, tag = CONTAINERS[name]["image"].partition(":")
    return image, tag


def pom(name: str) -> str:
    root = ET.parse(ROOT / "deploy" / "local" / name / "pom.xml").getroot()
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    version = root.findtext("m:properties/m:kafka.version", namespaces=space)
    return version or root.findtext(".//m:dependency/m:version", namespaces=space) or ""


@pytest.mark.parametrize("name", NAMES)
def test_a_container_has_no_setting_that_does_not_exist(name: str) -> None:
    assert set(CONTAINERS[name]) <= KEYS


@pytest.mark.parametrize("name", NAMES)
def test_no_container_is_root_or_can_become_it(name: str) -> None:
    container = CONTAINERS[name]

    assert container["user"].partition(":")[0] not in ("", "0", "root")
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", NAMES)
def test_a_container_writes_into_its_volumes_and_memory_alone(name: str) -> None:
    assert CONTAINERS[name].get("read_only", False) is (name not in WRITES)


@pytest.mark.parametrize("name", NAMES)
def test_every_port_is_open_to_this_machine_alone(name: str) -> None:
    for port in CONTAINERS[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


@pytest.mark.parametrize("name", NAMES)
def test_every_container_is_bounded(name: str) -> None:
    bounds = limit(name)

    assert set(bounds) == {"cpus", "memory", "pids"}
    assert CONTAINERS[name]["logging"]["options"] == {"max-size": "10m", "max-file": "3"}


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("kafka", CONTAINERS["kafka"]["environment"]["KAFKA_HEAP_OPTS"]),
        ("zipkin", CONTAINERS["zipkin"]["environment"]["JAVA_OPTS"]),
        ("redis", " ".join(CONTAINERS["redis"]["command"])),
        ("postgres", " ".join(CONTAINERS["postgres"]["command"])),
    ],
)
def test_what_a_server_takes_for_itself_fits_into_its_container(name: str, setting: str) -> None:
    own = re.search(r"(?:-Xmx|--maxmemory |shared_buffers=)(\d+[a-z]+)", setting, re.IGNORECASE)

    assert own is not None
    assert megabytes(own[1]) <= megabytes(limit(name)["memory"]) * 2 / 3


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_named_by_a_version_and_found_where_everybody_looks(name: str) -> None:
    image, tag = pinned(name)

    assert image == OFFICIAL.get(name) or (image.startswith("joinedup/") and name in OURS)
    assert re.fullmatch(r"[a-z]+(/[a-z]+)?", image), "a host before the name is a registry's"
    assert tag == "local" if name in OURS else re.match(r"\d+\.\d+", tag)


@pytest.mark.parametrize("name", ["kafka", "zipkin"])
def test_an_image_is_of_the_version_whose_jars_are_fetched(name: str) -> None:
    assert pinned(name)[1] == pom(name)


@pytest.mark.parametrize(("name", "program"), [("postgres", "postgres"), ("redis", "redis-server")])
def test_an_image_is_of_the_family_that_its_debian_has(name: str, program: str) -> None:
    # Debian mends an old version for years; upstream mends by newer ones of the same family. So
    # the image has the family's newest, and only the family can be compared.
    version, _, release = pinned(name)[1].partition("-")
    known = Path("/etc/os-release")
    if not known.is_file() or f"VERSION_CODENAME={release}\n" not in known.read_text():
        pytest.skip(f"this machine is not Debian's {release}, which the image names")
    installed = [*Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), Path("/usr/bin", program)]
    found = next((path for path in installed if path.is_file()), None)
    if found is None:
        pytest.skip(f"{program} is not installed here yet")
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout

    assert re.search(r"(\d+)\.\d+", said)[1] == version.partition(".")[0]  # type: ignore[index]


def test_our_images_have_the_python_that_requirements_are_pinned_for() -> None:
    locked = re.search(r"--python-version (\S+)", (ROOT / "tools" / "lock").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bases = {stage.base for stage in stages().values()} - set(stages())

    assert locked is not None
    assert len(bases) == 1
    assert re.fullmatch(rf"python:{re.escape(locked[1])}\.\d+-slim-[a-z]+", bases.pop())
    assert project["requires-python"].startswith(f">={locked[1]}")


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_stands_in_an_environment(name: str) -> None:
    for variable, value in CONTAINERS[name].get("environment", {}).items():
        if re.search(r"KEY|SECRET|PASSWORD|TOKEN", variable):
            assert variable.endswith(("_FILE", "_DIR"))
            assert value.startswith(f"{HOME}/keys/")
        assert not re.search(r"//[^/@]*:[^/@]*@", value), f"{variable} holds a password"


@pytest.mark.parametrize("name", sorted(parts(Path(HOME))))
def test_keys_are_seen_by_their_owner_alone(name: str) -> None:
    volume = f"{name}_keys"
    holders = {
        other: each
        for other in NAMES
        for each in CONTAINERS[other].get("volumes", [])
        if each.startswith(f"{volume}:")
    }

    assert holders == {name: f"{volume}:{HOME}/keys:ro", "keys": f"{volume}:/handed/{name}"}


def test_the_whole_home_is_seen_by_what_makes_it_and_what_needs_every_password() -> None:
    holders = {
        name: each
        for name in NAMES
        for each in CONTAINERS[name].get("volumes", [])
        if each.startswith("home:")
    }

    assert holders == {"keys": f"home:{HOME}", "databases": f"home:{HOME}:ro"}


def test_volumes_are_named_and_no_folder_of_the_machine_is_mounted() -> None:
    mounted = {
        each.partition(":")[0] for name in NAMES for each in CONTAINERS[name].get("volumes", [])
    }

    assert mounted == set(WHOLE["volumes"])
    assert CONTAINERS["kafka"]["configs"] == [
        {"source": "kafka_ready", "target": "/kafka_ready.sh"}
    ]
    assert (COMPOSE.parent / WHOLE["configs"]["kafka_ready"]["file"]).is_file()


@pytest.mark.parametrize("name", NAMES)
def test_what_ends_by_itself_is_not_started_again(name: str) -> None:
    assert CONTAINERS[name]["restart"] == ("no" if name in ONCE else "unless-stopped")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ONCE])
def test_everything_that_stays_says_whether_it_is_ready(name: str) -> None:
    in_image = name in OURS and any(
        each.name == "HEALTHCHECK" for each in instructions_of(CONTAINERS[name]["build"]["target"])
    )

    assert ("healthcheck" in CONTAINERS[name]) is not in_image


@pytest.mark.parametrize("name", NAMES)
def test_a_container_waits_until_what_it_needs_is_ready(name: str) -> None:
    values = " ".join(CONTAINERS[name].get("environment", {}).values())
    mounted = " ".join(CONTAINERS[name].get("volumes", []))
    own = name in services.NAMES
    needed = {
        "keys": f":{HOME}" in mounted and name != "keys",
        "databases": own and "@postgres:" in values,
        "postgres": not own and "@postgres:" in values,
        "topics": own and "kafka:9092" in values,
        "kafka": name == "topics",
        "redis": own and "redis:" in values,
        "sign_in": name == "portal",
    }
    ended = {"condition": "service_completed_successfully"}
    waits = {
        other: ended if other in ONCE else {"condition": "service_healthy"}
        for other, wanted in needed.items()
        if wanted
    }

    assert CONTAINERS[name].get("depends_on", {}) == waits


def test_browsers_and_containers_know_the_provider_by_one_name() -> None:
    assert CONTAINERS["sign_in"]["networks"] == {"default": {"aliases": [SIGN_IN_HOST]}}
    assert SIGN_IN_HOST in CONTAINERS["portal"]["environment"]["PORTAL_OIDC_ISSUER"]


def test_every_variable_is_explained_with_the_value_it_has_without() -> None:
    example = (COMPOSE.parent / ".env.example").read_text()
    explained = dict(re.findall(r"^# .+\n(\w+)=(\w+)$", example, re.MULTILINE))

    assert explained == dict(VARIABLE.findall(COMPOSE.read_text()))
