"""The settings of our own services on this machine, as environment variables."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from deploy.local import ports
from deploy.local.errors import LocalError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAMES: Final = ("events", "identity", "nudges", "notifications", "portal")
REPLICAS: Final = ("notifications_2",)
WITH_DATABASE: Final = ("events", "identity", "notifications")
KEY_OWNERS: Final = (*NAMES, "operator")
OIDC_CLIENT_ID: Final = "joinedup-portal"

# The names in ports.OFFSETS of what a service listens on, beside its probe; the first is shown.
SPEAKS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "events": ("events_http", "events_grpc"),
        "identity": ("identity_grpc",),
        "notifications": ("notifications_grpc",),
        "notifications_2": ("notifications_2_grpc",),
        "portal": ("portal",),
    }
)
SPEAKS_HTTP: Final = ("events_http", "portal")

# An override with this prefix goes to every service.
_EVERY: Final = "SERVICES_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a service finds the others."""

    root: Path
    home: Path
    port_base: int
    kafka_bootstrap: str
    redis_url: str
    database_urls: Mapping[str, str]


def package_of(name: str) -> str:
    """Return the service that a process runs: a replica runs the one it is named after."""
    return name.removesuffix("_2")


def environments(around: Surroundings, overrides: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return every service's environment.

    An override is a variable of one service (`NUDGES_LOG_LEVEL`) or, as `SERVICES_LOG_LEVEL`,
    of all; any other name is refused, so that a misspelt one cannot pass unseen.
    """
    found = {name: _environment(around, name) for name in (*NAMES, *REPLICAS)}
    for variable, value in overrides.items():
        owners = [
            name for name in found if variable.startswith((_EVERY, f"{package_of(name).upper()}_"))
        ]
        if not owners:
            message = f"{variable} is a setting of no service"
            raise LocalError(message)
        for name in owners:
            prefix = f"{package_of(name).upper()}_"
            if variable.startswith(_EVERY):
                found[name].setdefault(prefix + variable.removeprefix(_EVERY), "")
                found[name][prefix + variable.removeprefix(_EVERY)] = value
            else:
                found[name][variable] = value
    return found


def _environment(around: Surroundings, name: str) -> dict[str, str]:
    package = package_of(name)
    settings = {**_common(around, name), **_own(around, name)}
    prefixed = {f"{package.upper()}_{key.upper()}": value for key, value in settings.items()}
    root = around.root
    search = (root, root / "protos" / "python", root / "client")
    return {
        **prefixed,
        "PYTHONPATH": ":".join(str(folder) for folder in search),
        "PYTHONUNBUFFERED": "1",
        # gRPC's older way of waiting for its sockets: each call wakes fewer threads.
        "GRPC_EXPERIMENTS": "-event_engine_client,-event_engine_listener",
        "JOINEDUP_HOME": str(around.home),
    }


def _common(around: Surroundings, name: str) -> dict[str, str]:
    keys = around.home / "keys"
    return {
        "environment": "local",
        "host": "127.0.0.1",
        "probe_port": str(ports.port(around.port_base, f"{name}_probe")),
        "otlp_endpoint": ports.url(around.port_base, "otlp"),
        "trace_sample_ratio": "1.0",
        "service_key_file": str(keys / "services" / f"{package_of(name)}.private.pem"),
        "service_keys_dir": str(keys / "services"),
        "protos_dir": str(around.root / "protos"),
        "catalogue_dir": str(around.root / "catalogue"),
    }


def _own(around: Surroundings, name: str) -> dict[str, str]:
    base, keys = around.port_base, around.home / "keys"
    kafka = {"kafka_bootstrap": around.kafka_bootstrap}
    redis = {"redis_url": around.redis_url}
    identity = {"identity_target": ports.address(base, "identity_grpc")}
    person_key = {"person_token_public_key_file": str(keys / "person-tokens.public.pem")}
    oidc = {"oidc_issuer": ports.url(base, "sign_in"), "oidc_client_id": OIDC_CLIENT_ID}
    database = {"database_url": around.database_urls.get(package_of(name), "")}
    if name == "events":
        own = {
            "http_port": _port(base, name),
            "grpc_port": str(ports.port(base, "events_grpc")),
            "publisher_keys_dir": str(keys / "publishers"),
        }
        return {**kafka, **database, **identity, **own}
    if name == "identity":
        own = {
            "grpc_port": _port(base, name),
            "person_token_private_key_file": str(keys / "person-tokens.private.pem"),
            "identifier_key_file": str(keys / "identifiers.hmac"),
        }
        return {**kafka, **database, **oidc, **person_key, **own}
    if name == "nudges":
        data = str(around.home / "data" / "nudges")
        return {**kafka, **identity, "consumer_slot": "nudges-1", "data_dir": data}
    if name == "portal":
        own = {
            "http_port": _port(base, name),
            "notifications_target": ports.address(base, "notifications_grpc"),
            "session_secret_file": str(keys / "sessions.secret"),
            "oidc_client_secret_file": str(keys / "oidc-client.secret"),
        }
        return {**redis, **identity, **oidc, **own}
    own = {
        "grpc_port": _port(base, name),
        "advertised_target": ports.address(base, SPEAKS[name][0]),
        "cursor_key_file": str(keys / "cursors.hmac"),
    }
    return {**kafka, **database, **redis, **identity, **person_key, **own}


def _port(base: int, name: str) -> str:
    return str(ports.port(base, SPEAKS[name][0]))
