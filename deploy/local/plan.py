"""The process table: what runs, in which order, how it is started and how it says "ready".

Everything here is computed from its arguments; nothing is read, written or started.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from deploy.local import ports, services
from deploy.local.errors import LocalError
from deploy.local.running.readiness import Kind, Question
from deploy.local.servers import kafka, postgres, redis_server, zipkin

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from deploy.local.settings import External


class Group(StrEnum):
    """The groups, in the order in which they start; they stop the other way round."""

    STORES = "stores"
    TOOLS = "tools"
    SERVICES = "services"


STORES: Final = ("kafka", "postgres", "redis")
TOOLS: Final = ("zipkin", "bridge", "sign_in")
# A department waits for its answer: while the processors are full, what it waits for goes first,
# then what becomes a prompt a moment later, then what only looks on.
NICENESS: Final = {"nudges": 10, "notifications": 10, "zipkin": 19, "bridge": 19}


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process of the platform."""

    name: str
    group: Group
    command: tuple[str, ...]
    address: str
    question: Question
    ports: tuple[int, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    niceness: int = 0
    """How far it stands back while the processors are full, as nice(1) counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the plan has to know of this machine and this home."""

    root: Path
    home: Path
    port_base: int
    python: str
    external: External
    kafka: kafka.KafkaFiles | None = None
    kafka_archive_exists: bool = False
    postgres: postgres.PostgresFiles | None = None
    postgres_password: str = ""
    redis_program: str = "redis-server"
    java: str = "java"
    zipkin_jar: Path | None = None
    passwords: Mapping[str, str] = field(default_factory=dict)


def choose(
    only: Collection[str] | None, *, own: bool | Collection[str], external: External
) -> list[str]:
    """Return the names to run, in start order.

    `only` limits the whole platform to those names; `own` the services alone.
    A store that exists already elsewhere is left out.
    """
    known = (*STORES, *TOOLS, *services.NAMES, *services.REPLICAS)
    ours = own if not isinstance(own, bool) else services.NAMES if own else ()
    chosen = {*STORES, *TOOLS, *ours} if only is None else set(only)
    if unknown := chosen.difference(known):
        message = f"no process is called {', '.join(sorted(unknown))}; there are {', '.join(known)}"
        raise LocalError(message)
    elsewhere = {
        "kafka": external.kafka_bootstrap,
        "postgres": external.database_url,
        "redis": external.redis_url,
    }
    return [name for name in known if name in chosen and not elsewhere.get(name)]


def admin_url(machine: Machine) -> str:
    """Return the URL of the role that makes roles and databases."""
    if machine.external.database_url:
        return machine.external.database_url
    bare = f"postgresql://{ports.address(machine.port_base, 'postgres')}/postgres"
    if machine.postgres is not None:
        # Through its socket a transaction costs a quarter less than over the loopback interface.
        number = ports.port(machine.port_base, "postgres")
        place = urlencode({"host": str(machine.postgres.sockets), "port": number})
        bare = f"postgresql:///postgres?{place}"
    return postgres.url_for(bare, postgres.SUPERUSER, machine.postgres_password, "postgres")


def kafka_bootstrap(machine: Machine) -> str:
    """Return the address of the log."""
    return machine.external.kafka_bootstrap or ports.address(machine.port_base, "kafka")


def redis_url(machine: Machine) -> str:
    """Return the URL of what may be lost."""
    own = f"redis://{ports.address(machine.port_base, 'redis')}/0"
    return machine.external.redis_url or own


def make(machine: Machine, names: Collection[str], overrides: Mapping[str, str]) -> list[Process]:
    """Return the chosen processes in start order; `overrides` are settings by variable name."""
    unused = dict(overrides)
    fsync = unused.pop("POSTGRES_FSYNC", "on") != "off"
    makers = {
        "kafka": lambda: _kafka(machine),
        "postgres": lambda: _postgres(machine, fsync=fsync),
        "redis": lambda: _redis(machine),
        "zipkin": lambda: _zipkin(machine),
        "bridge": lambda: _bridge(machine),
        "sign_in": lambda: _sign_in(machine),
    }
    environments = services.environments(surroundings(machine), unused)
    made = [
        makers[name]() if name in makers else _service(machine, name, environments[name])
        for name in names
    ]
    return [
        replace(each, niceness=NICENESS.get(services.package_of(each.name), 0)) for each in made
    ]


def surroundings(machine: Machine) -> services.Surroundings:
    """Return what a service's settings are made of."""
    admin = admin_url(machine)
    return services.Surroundings(
        root=machine.root,
        home=machine.home,
        port_base=machine.port_base,
        kafka_bootstrap=kafka_bootstrap(machine),
        redis_url=redis_url(machine),
        database_urls={
            role: postgres.url_for(admin, role, password, role)
            for role, password in machine.passwords.items()
        },
    )


def endpoints(machine: Machine, names: Collection[str]) -> dict[str, str]:
    """Return the addresses of what runs, named as `endpoints.json` promises; never a password."""
    base, external = machine.port_base, machine.external

    def place(url: str) -> str:
        return url.partition("://")[2].partition("/")[0].rpartition("@")[2]

    # Our own processes take its socket; whoever looks from outside finds it here.
    tcp = ports.address(base, "postgres")
    offered = (
        ("events_http", "events", ports.url(base, "events_http")),
        ("events_grpc", "events", ports.address(base, "events_grpc")),
        ("identity_grpc", "identity", ports.address(base, "identity_grpc")),
        ("notifications_grpc", "notifications", ports.address(base, "notifications_grpc")),
        ("portal", "portal", ports.url(base, "portal")),
        ("sign_in", "sign_in", ports.url(base, "sign_in")),
        ("traces", "zipkin", ports.url(base, "traces")),
        ("metrics", "events", f"{ports.url(base, 'events_probe')}/metrics"),
        ("kafka", "kafka", kafka_bootstrap(machine)),
        ("postgres", "postgres", place(external.database_url or "") or tcp),
        ("redis", "redis", place(redis_url(machine))),
    )
    elsewhere = {
        "kafka": external.kafka_bootstrap,
        "postgres": external.database_url,
        "redis": external.redis_url,
    }
    return {
        name: address
        for name, process, address in offered
        if process in names or elsewhere.get(process)
    }


def _kafka(machine: Machine) -> Process:
    base, files = machine.port_base, machine.kafka
    if files is None:
        message = "the plan has a Kafka broker but no files for it"
        raise LocalError(message)
    address = ports.address(base, "kafka")
    return Process(
        name="kafka",
        group=Group.STORES,
        command=kafka.command(files, archive_exists=machine.kafka_archive_exists),
        address=address,
        question=Question(Kind.KAFKA, address),
        ports=(ports.port(base, "kafka"), ports.port(base, "kafka_controller")),
    )


def _postgres(machine: Machine, *, fsync: bool) -> Process:
    if machine.postgres is None:
        message = "the plan has a PostgreSQL server but no files for it"
        raise LocalError(message)
    number = ports.port(machine.port_base, "postgres")
    return Process(
        name="postgres",
        group=Group.STORES,
        command=postgres.command(machine.postgres, number, fsync=fsync),
        address=ports.address(machine.port_base, "postgres"),
        question=Question(Kind.POSTGRES, admin_url(machine)),
        ports=(number,),
        # "Fast": roll back and go, instead of waiting for the last client.
        stop_signal="INT",
    )


def _redis(machine: Machine) -> Process:
    number = ports.port(machine.port_base, "redis")
    address = ports.address(machine.port_base, "redis")
    return Process(
        name="redis",
        group=Group.STORES,
        command=redis_server.command(machine.redis_program, number, machine.home / "data"),
        address=address,
        question=Question(Kind.REDIS, address),
        ports=(number,),
    )


def _zipkin(machine: Machine) -> Process:
    if machine.zipkin_jar is None:
        message = "the plan has a trace page but no jar for it"
        raise LocalError(message)
    number, url = ports.port(machine.port_base, "traces"), ports.url(machine.port_base, "traces")
    return Process(
        name="zipkin",
        group=Group.TOOLS,
        command=zipkin.command(machine.java, machine.zipkin_jar, number),
        address=url,
        question=Question(Kind.HTTP, f"{url}/health"),
        ports=(number,),
        # All it holds is in memory: its polite end takes three seconds for nothing.
        stop_signal="KILL",
    )


def _bridge(machine: Machine) -> Process:
    number, url = ports.port(machine.port_base, "otlp"), ports.url(machine.port_base, "otlp")
    spans = f"{ports.url(machine.port_base, 'traces')}/api/v2/spans"
    return Process(
        name="bridge",
        group=Group.TOOLS,
        command=(machine.python, "-m", "deploy.local.otlp_zipkin", str(number), spans),
        address=url,
        question=Question(Kind.HTTP, f"{url}/health"),
        ports=(number,),
    )


def _sign_in(machine: Machine) -> Process:
    number, url = ports.port(machine.port_base, "sign_in"), ports.url(machine.port_base, "sign_in")
    return Process(
        name="sign_in",
        group=Group.TOOLS,
        command=(machine.python, "-m", "deploy.local.sign_in", str(number)),
        address=url,
        question=Question(Kind.HTTP, f"{url}/.well-known/openid-configuration"),
        ports=(number,),
    )


def _service(machine: Machine, name: str, environment: Mapping[str, str]) -> Process:
    base = machine.port_base
    probe = ports.url(base, f"{name}_probe")
    listens = (*services.SPEAKS.get(name, ()), f"{name}_probe")
    shown = ports.address(base, listens[0])
    return Process(
        name=name,
        group=Group.SERVICES,
        command=(machine.python, "-m", f"services.{services.package_of(name)}"),
        address=f"http://{shown}" if listens[0] in services.SPEAKS_HTTP else shown,
        question=Question(Kind.HTTP, f"{probe}/health/ready"),
        ports=tuple(ports.port(base, each) for each in listens),
        environment=environment,
    )
