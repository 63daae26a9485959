"""compose.yaml starts what `make up` starts, with the same settings.

The native side is computed by the code that starts it. Three things are carried over before the
two are compared: `127.0.0.1:PORT` becomes the container that has the port, the repository and the
home become their folders in an image, and a password in a URL becomes a file of passwords. What
differs then stands in DIFFERENCES with its reason; nothing else may, and the list only shrinks.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from deploy.local import plan, services
from deploy.local.servers import kafka, postgres, redis_server, zipkin
from deploy.local.settings import External
from tests.containers import APP, HOME, ONCE, ROOT, composition, image_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BASE: Final = 17000
NATIVE_HOME: Final = Path("/the/home")
KAFKA: Final = kafka.KafkaFiles(
    java="java",
    jars=(Path("/kafka.jar"),),
    archive=Path("/broker.jsa"),
    properties=Path("/kafka.properties"),
    data=Path("/var/lib/kafka/data"),
    log=Path("/kafka.log"),
)
POSTGRES: Final = postgres.PostgresFiles(
    bin=Path("/usr/bin"),
    data=Path("/var/lib/postgresql/data"),
    sockets=Path("/var/run/postgresql"),
    keys=NATIVE_HOME / "keys",
    prefix=(),
)
JAR: Final = Path("/zipkin.jar")


class Difference(NamedTuple):
    """A setting that cannot be the same in a container; None where one side has no such setting."""

    of: str
    setting: str
    native: str | None
    here: str | None


# Inside a container nobody else is on its loopback, and only there may the world be 0.0.0.0:
# what compose.yaml publishes, it publishes on the machine's loopback (see the tests of ports).
_ALL = "other containers reach it only so; published on the machine's loopback alone"
_LISTEN = "PLAINTEXT://127.0.0.1:17092,CONTROLLER://127.0.0.1:17093"
_LISTEN_HERE = "PLAINTEXT://0.0.0.0:17092,INSIDE://0.0.0.0:9092,CONTROLLER://127.0.0.1:17093"
_TWO_WAYS = "a broker sends clients on to an address, and containers need another than the machine"
_IMAGE = "the image formats its own folder, and only with voters that are named beforehand"
_OWN = "the image brings its own archive of classes, and its own log to the container's output"
_PROTOCOLS = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"
_BRIDGE = "17051 http://zipkin:17050/api/v2/spans"
_ONE_NAME = "the provider is named as it is asked for: browsers and containers must ask alike"
DIFFERENCES: Final = {
    Difference("services", "HOST", "127.0.0.1", "0.0.0.0"): _ALL,
    Difference("services", "KAFKA_BOOTSTRAP", "kafka:17092", "kafka:9092"): _TWO_WAYS,
    Difference(
        "services", "OIDC_ISSUER", "http://sign_in:17060", "http://sign-in.localhost:17060"
    ): _ONE_NAME,
    Difference(
        "services", "PUBLIC_URL", None, "http://127.0.0.1:17070"
    ): "natively made of the address it listens on, which no browser can open here",
    Difference(
        "bridge",
        "command",
        f"python -m deploy.local.otlp_zipkin {_BRIDGE}",
        f"python -m deploy.compose bridge 0.0.0.0 {_BRIDGE}",
    ): _ALL,
    Difference(
        "sign_in",
        "command",
        "python -m deploy.local.sign_in 17060",
        "python -m deploy.compose sign_in 0.0.0.0 17060",
    ): _ALL,
    Difference("kafka", "listeners", _LISTEN, _LISTEN_HERE): _TWO_WAYS,
    Difference(
        "kafka",
        "advertised.listeners",
        "PLAINTEXT://127.0.0.1:17092",
        "PLAINTEXT://127.0.0.1:17092,INSIDE://kafka:9092",
    ): _TWO_WAYS,
    Difference(
        "kafka",
        "listener.security.protocol.map",
        _PROTOCOLS,
        f"{_PROTOCOLS},INSIDE:PLAINTEXT",
    ): _TWO_WAYS,
    Difference("kafka", "controller.quorum.bootstrap.servers", "127.0.0.1:17093", None): _IMAGE,
    Difference("kafka", "controller.quorum.voters", None, "1@127.0.0.1:17093"): _IMAGE,
    Difference("kafka java", "-XX:ArchiveClassesAtExit", "/broker.jsa", None): _OWN,
    Difference("kafka java", "-Djoinedup.log", "/kafka.log", None): _OWN,
    Difference(
        "kafka java",
        "-Dlog4j2.configurationFile",
        str(ROOT / "deploy/local/kafka/log4j2.properties"),
        None,
    ): _OWN,
    Difference("postgres", "listen_addresses", "127.0.0.1", "*"): _ALL,
    Difference("redis", "bind", "127.0.0.1", "0.0.0.0"): _ALL,
    Difference(
        "redis", "protected-mode", "yes", "no"
    ): "protected, it answers its own loopback alone; the containers' network is its protection",
    Difference("zipkin", "--armeria.ports[0].address", "127.0.0.1", "0.0.0.0"): _ALL,
    Difference(
        "zipkin", "distribution", "slim", ""
    ): "the image that its project names first is the whole server: the same, with more stores",
}
MOST_DIFFERENCES: Final = 19

CONTAINERS = composition()["services"]


def differences(of: str, native: Mapping[str, str], here: Mapping[str, str]) -> set[Difference]:
    return {
        Difference(of, name, native.get(name), here.get(name))
        for name in native.keys() | here.keys()
        if native.get(name) != here.get(name)
    }


def allowed(of: str) -> set[Difference]:
    return {each for each in DIFFERENCES if each.of == of}


def machine(base: int = BASE, **changes: object) -> plan.Machine:
    known: dict[str, object] = {
        "root": ROOT,
        "home": NATIVE_HOME,
        "port_base": base,
        "python": "python",
        "external": External(),
        "kafka": KAFKA,
        "postgres": POSTGRES,
        "zipkin_jar": JAR,
        "passwords": dict.fromkeys(services.WITH_DATABASE, "secret"),
    }
    return plan.Machine(**{**known, **changes})  # type: ignore[arg-type]


NAMES = plan.choose(None, own=True, external=External())
NATIVE = {each.name: each for each in plan.make(machine(), NAMES, {})}
OWNERS = {str(port): each.name for each in NATIVE.values() for port in each.ports}


def carried(text: str) -> str:
    """Carry a native value over into the containers, as the top of this file says."""
    text = text.replace(str(NATIVE_HOME), HOME).replace(str(ROOT), APP)
    text = re.sub(r"127\.0\.0\.1:(\d+)", lambda found: f"{OWNERS[found[1]]}:{found[1]}", text)
    file = rf"//\1@\2?passfile={HOME}/keys/postgres/\1.pgpass"
    return re.sub(r"//(\w+):secret@(.+)", file, text)


def pairs(words: Iterable[str]) -> dict[str, str]:
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def test_each_native_process_has_its_container_and_nothing_else_is_there() -> None:
    assert set(CONTAINERS) == {*NAMES, *ONCE}


def test_the_list_of_differences_only_shrinks() -> None:
    assert len(DIFFERENCES) <= MOST_DIFFERENCES


def test_our_services_are_told_the_same() -> None:
    # Without PostgreSQL's socket, which is the machine's own way to it.
    native = services.environments(plan.surroundings(machine(postgres=None)), {})
    found: set[Difference] = set()
    for name in services.NAMES:
        container = CONTAINERS[name]
        image = image_environment(container["build"]["target"])
        here = {**{key: image[key] for key in image if key != "PATH"}, **container["environment"]}
        wanted = {key: carried(value) for key, value in native[name].items()}
        prefix = f"{name.upper()}_"
        found |= {
            each._replace(setting=each.setting.removeprefix(prefix))
            for each in differences("services", wanted, here)
        }

    assert found == allowed("services")


@pytest.mark.parametrize("name", [*services.NAMES, "bridge", "sign_in"])
def test_our_processes_are_started_by_the_same_command(name: str) -> None:
    native = {"command": carried(" ".join(NATIVE[name].command))}
    here = {"command": " ".join(CONTAINERS[name]["command"])}

    assert differences(name, native, here) == allowed(name)


def test_the_broker_has_the_same_properties() -> None:
    native = pairs(kafka.properties(17092, 17093, KAFKA.data).splitlines())
    for_java = {"KAFKA_HEAP_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS", "EXTRA_ARGS"}
    # As the image does it: KAFKA_NODE_ID is node.id.
    here = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in CONTAINERS["kafka"]["environment"].items()
        if name not in for_java
    }

    assert differences("kafka", native, here) == allowed("kafka")


def test_the_broker_runs_in_the_same_java() -> None:
    native = [word for word in NATIVE["kafka"].command if word.startswith(("-X", "-D"))]
    environment = CONTAINERS["kafka"]["environment"]
    here = f"{environment['KAFKA_HEAP_OPTS']} {environment['KAFKA_JVM_PERFORMANCE_OPTS']}".split()

    assert differences("kafka java", pairs(native), pairs(here)) == allowed("kafka java")


def test_the_databases_have_the_same_settings() -> None:
    def options(command: list[str] | tuple[str, ...]) -> dict[str, str]:
        return pairs([word for flag, word in pairwise(command) if flag == "-c"])

    native = options(postgres.command(POSTGRES, 17432))
    here = options(CONTAINERS["postgres"]["command"])

    assert differences("postgres", native, here) == allowed("postgres")


def test_the_cluster_is_made_in_the_same_way() -> None:
    environment = CONTAINERS["postgres"]["environment"]

    assert tuple(environment["POSTGRES_INITDB_ARGS"].split()) == postgres.CLUSTER
    assert environment["POSTGRES_USER"] == postgres.SUPERUSER
    assert plan.admin_url(machine()).partition("?")[0].endswith(f"/{environment['POSTGRES_DB']}")


def test_redis_has_the_same_settings() -> None:
    def options(command: list[str] | tuple[str, ...]) -> dict[str, str]:
        return dict(zip((f.removeprefix("--") for f in command[1::2]), command[2::2], strict=True))

    native = options(redis_server.command("redis-server", 17379, Path("/data")))

    assert differences("redis", native, options(CONTAINERS["redis"]["command"])) == allowed("redis")


def test_the_trace_page_has_the_same_settings() -> None:
    command = zipkin.command("java", JAR, 17050)
    middle = command.index("-jar")
    slim = re.findall(
        r"<classifier>(\w+)<", (ROOT / "deploy" / "local" / "zipkin" / "pom.xml").read_text()
    )
    container = CONTAINERS["zipkin"]
    here = {
        **pairs(container["command"]),
        "distribution": container["image"].partition(":")[0].partition("-")[2],
    }

    assert container["environment"]["JAVA_OPTS"].split() == list(command[1:middle])
    native = {**pairs(command[middle + 2 :]), "distribution": slim[0]}
    assert differences("zipkin", native, here) == allowed("zipkin")


@pytest.mark.parametrize("name", NAMES)
def test_a_container_is_ended_and_stands_back_as_the_process_does(name: str) -> None:
    # The kernel gives a quarter more to whoever is one step less nice.
    shares = round(1024 / 1.25 ** NATIVE[name].niceness)

    assert CONTAINERS[name].get("stop_signal", "SIGTERM") == f"SIG{NATIVE[name].stop_signal}"
    assert CONTAINERS[name].get("cpu_shares", 1024) == shares


def test_what_is_open_on_the_machine_is_what_endpoints_promises() -> None:
    promised = {
        number
        for address in plan.endpoints(machine(), NAMES).values()
        for number in re.findall(r"127\.0\.0\.1:(\d+)", address)
    }
    published = [port for each in CONTAINERS.values() for port in each.get("ports", [])]

    assert sorted(published) == sorted(f"127.0.0.1:{each}:{each}" for each in promised)
    assert all(
        OWNERS[port.rpartition(":")[2]] == name
        for name, each in CONTAINERS.items()
        for port in each.get("ports", [])
    )


def test_all_ports_move_together() -> None:
    moved = re.sub(r"\b17(\d{3})\b", r"18\1", json.dumps(composition()))

    assert json.dumps(composition(JOINEDUP_PORTS="18")) == moved
