"""A process ends with a code that says how."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, sys
from services.kit.run import CannotStart, run

async def main(stop):
    print("started", flush=True)
    {body}
    print("ended", flush=True)

run(main)
"""


def start(body):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    out, err = process.communicate(timeout=20)
    return process.returncode, out.split(), err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(number):
    process = start("await stop.wait()")
    assert process.stdout.readline() == "started\n"

    process.send_signal(number)

    assert finish(process) == (0, ["ended"], "")


def test_what_cannot_start_says_why_in_one_line():
    code, _out, err = finish(start('raise CannotStart("no oven")'))

    assert (code, err) == (69, "cannot start: no oven\n")


def test_a_failure_ends_with_a_code_of_its_own():
    code, out, _err = finish(start('raise RuntimeError("SECRET")'))

    assert (code, out) == (70, ["started"])
