"""What a container does that runs no service: `python -m deploy.compose VERB`.

`keys`, `databases` and `topics` make what is missing and end. `bridge` and `sign_in` serve the
containers' own network; compose.yaml publishes their ports on the machine's loopback alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.local import plan, ports
from deploy.local.errors import LocalError
from deploy.local.servers import postgres
from deploy.local.services import WITH_DATABASE
from deploy.local.settings import ROOT, External, from_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Browsers take every name below localhost for their own machine, and the containers' network has
# an alias of this name: so both reach the provider at the one address that its tokens name.
SIGN_IN_HOST: Final = "sign-in.localhost"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; return 0 done, 1 refused (argparse exits with 2)."""
    parsed = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = parsed.run
    try:
        run(parsed)
    except LocalError as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


def _keys(parsed: argparse.Namespace) -> None:
    from deploy.compose.handing_out import hand_out, make_keys

    settings = from_environment()
    make_keys(settings.home)
    hand_out(settings.home, parsed.handed)
    found = _endpoints(settings.home, settings.port_base)
    (settings.home / "endpoints.json").write_text(json.dumps(found, indent=2) + "\n")


def _databases(_parsed: argparse.Namespace) -> None:
    settings = from_environment()
    admin = _named(settings.external.database_url, "DATABASE_URL")
    for role in WITH_DATABASE:
        password = postgres.ensure_password(settings.home / "keys" / "postgres", role)
        postgres.ensure_database(admin, role, password)


def _topics(_parsed: argparse.Namespace) -> None:
    from deploy.local.topics import declared
    from services.kit.topics import create_topics

    bootstrap = _named(from_environment().external.kafka_bootstrap, "KAFKA_BOOTSTRAP")
    create_topics(bootstrap, declared(ROOT))


def _bridge(parsed: argparse.Namespace) -> None:
    from deploy.local.otlp_zipkin import Bridge

    Bridge(parsed.port, parsed.spans_url, parsed.host).serve_forever()


def _sign_in(parsed: argparse.Namespace) -> None:
    from deploy.local.sign_in import serve

    serve(parsed.host, parsed.port)


def _endpoints(home: Path, base: int) -> dict[str, str]:
    """Return the containers' addresses as the machine has them, in `endpoints.json`'s words."""
    machine = plan.Machine(root=ROOT, home=home, port_base=base, python="", external=External())
    names = plan.choose(None, own=True, external=External())
    sign_in = f"http://{SIGN_IN_HOST}:{ports.port(base, 'sign_in')}"
    return {**plan.endpoints(machine, names), "sign_in": sign_in}


def _named(value: str | None, variable: str) -> str:
    if not value:
        message = f"{variable} is not set: name the server's address in it"
        raise LocalError(message)
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.compose", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(
        name: str, run: Callable[[argparse.Namespace], None], text: str
    ) -> argparse.ArgumentParser:
        found = verbs.add_parser(name, help=text, description=text)
        found.set_defaults(run=run)
        return found

    keys = verb("keys", _keys, "make the keys that are missing and hand each process its own")
    keys.add_argument("handed", type=Path, help="folder with one folder a process")
    verb("databases", _databases, "make the roles and databases that are missing")
    verb("topics", _topics, "make the topics that are missing")
    for name, run, text in (
        ("bridge", _bridge, "take OTLP and hand it on to Zipkin"),
        ("sign_in", _sign_in, "be the sign-in provider of the demonstration"),
    ):
        server = verb(name, run, text)
        server.add_argument("host", help="address to listen on")
        server.add_argument("port", type=int)
        if name == "bridge":
            server.add_argument("spans_url", help="where Zipkin takes spans")
    return parser


if __name__ == "__main__":
    sys.exit(main())
