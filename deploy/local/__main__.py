"""The command line of the local platform: up, down, status, keys, topics, environment."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console

from deploy.local.errors import AlreadyRunning, LocalError
from deploy.local.platform import Platform
from deploy.local.running import display, state
from deploy.local.settings import ROOT, from_environment
from deploy.local.stopping import clear, locked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; return 0 done, 1 refused or failed (argparse exits with 2)."""
    parsed = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        return run(parsed)
    except LocalError as failure:
        if parsed.json:
            print(json.dumps({"error": type(failure).__name__, "detail": str(failure)}))
        else:
            _err.print(str(failure), style="red", markup=False)
    except KeyboardInterrupt:
        _err.print("interrupted; nothing is left running", style="yellow")
    return 1


def _up(parsed: argparse.Namespace) -> int:
    begun = time.monotonic()
    only = parsed.only.split(",") if parsed.only else None
    settings = dict(pair.split("=", 1) for pair in parsed.set)
    try:
        with display.OnTerminal(_err) as progress:
            platform = Platform.start(
                only=only,
                services=parsed.services,
                settings=settings,
                owned=False,
                fresh=parsed.fresh,
                progress=progress,
            )
    except AlreadyRunning:
        _show(Platform.attach(), as_json=parsed.json)
        raise
    _show(platform, as_json=parsed.json)
    _err.print(f"up in {time.monotonic() - begun:.1f} s", style="green")
    return 0


def _down(parsed: argparse.Namespace) -> int:
    folders = state.folders(ROOT, from_environment().home)
    folders.home.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    with locked(folders.home):
        ran = clear(folders, state.load(folders.home))
    seconds = round(time.monotonic() - begun, 1)
    if parsed.json:
        print(json.dumps({"was_running": ran, "seconds": seconds}))
    else:
        _out.print(f"down in {seconds} s" if ran else "nothing was running", style="green")
    return 0


def _status(parsed: argparse.Namespace) -> int:
    platform = Platform.attach()
    rows = platform.status()
    if parsed.json:
        print(json.dumps({"processes": [dataclasses.asdict(row) for row in rows]}, indent=2))
    else:
        _out.print(display.status(rows))
    return 0 if all(row.ready for row in rows) else 1


def _keys(parsed: argparse.Namespace) -> int:
    from deploy.local.preparing.keys import ensure_keys, publishers_in

    register = publishers_in(ROOT / "catalogue")
    names = parsed.publisher or register
    wanted = {each: register.get(each, f"{each}.public.pem") for each in names}
    made = ensure_keys(from_environment().home, wanted)
    if parsed.json:
        print(json.dumps({"made": [str(path) for path in made]}))
    else:
        _out.print(f"{len(made)} keys made")
    return 0


def _fetch(parsed: argparse.Namespace) -> int:
    from deploy.local.preparing.machine import fetch

    fetch(lambda text: _err.print(text, style="dim"))
    if parsed.json:
        print(json.dumps({"fetched": True}))
    return 0


def _topics(parsed: argparse.Namespace) -> int:
    from deploy.local.topics import declared
    from services.kit.topics import create_topics

    topics = declared(ROOT)
    made = create_topics(Platform.attach().endpoints["kafka"], topics)
    if parsed.json:
        print(json.dumps({"made": made, "declared": sorted(topics)}))
    else:
        _out.print(f"{len(made)} topics made, {len(topics) - len(made)} were there")
    return 0


def _environment(parsed: argparse.Namespace) -> int:
    from deploy.local import ports, services

    platform = Platform.attach()
    settings = from_environment()
    around = services.Surroundings(
        root=ROOT,
        home=settings.home,
        port_base=settings.port_base,
        kafka_bootstrap=platform.endpoints["kafka"],
        redis_url=settings.external.redis_url
        or f"redis://{ports.address(settings.port_base, 'redis')}/0",
        database_urls={role: platform.database_url(role) for role in services.WITH_DATABASE},
    )
    found = services.environments(around, {})[parsed.service]
    if parsed.json:
        print(json.dumps(found, indent=2))
    else:
        for key, value in sorted(found.items()):
            print(f"export {key}={shlex.quote(value)}")
    return 0


def _show(platform: Platform, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(platform.endpoints, indent=2))
    else:
        _out.print(display.addresses(platform.endpoints))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(
        name: str, run: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        found = verbs.add_parser(name, help=text, description=text)
        found.add_argument("--json", action="store_true", help="machine-readable output")
        found.set_defaults(run=run)
        return found

    up = verb("up", _up, "start the platform and leave it running")
    up.add_argument("--only", metavar="NAMES", help="these processes alone: kafka,postgres,redis")
    up.add_argument("--no-services", dest="services", action="store_false", help="stores and tools")
    up.add_argument("--fresh", action="store_true", help="begin with empty stores")
    up.add_argument(
        "--set", action="append", default=[], metavar="VARIABLE=VALUE", help="a service's setting"
    )
    verb("down", _down, "end every process of the platform")
    verb("status", _status, "show every process: pid, address, ready, memory, restarts")
    verb("fetch", _fetch, "fetch what the servers need and start nothing")
    keys = verb("keys", _keys, "make the keys that are missing")
    keys.add_argument("publisher", nargs="*", help="publishers to make keys for")
    verb("topics", _topics, "make the topics that are missing")
    environment = verb("env", _environment, "print a service's settings, to run it by hand")
    environment.add_argument("service")
    return parser


if __name__ == "__main__":
    sys.exit(main())
