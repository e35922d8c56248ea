"""What the scripts of all providers need: steps, the two simulators, their clock.

A script ends with an error at the first thing that is not as expected.
"""

import json
import os
import time
import urllib.request
from contextlib import contextmanager

QUICK = os.environ["SIMULATOR_URL"]  # ends a batch within a second
SLOW = os.environ["SLOW_SIMULATOR_URL"]  # needs 60 hours of its own clock
KEY = "sk-interop"


@contextmanager
def step(name):
    yield
    print("ok  ", name, flush=True)


@contextmanager
def raises(kind, **want):
    """Checks the type of an error and its attributes."""
    try:
        yield
    except kind as error:
        for name, value in want.items():
            assert getattr(error, name) == value, f"{name} of {error!r}"
        return
    raise AssertionError(f"no {kind.__name__}")


def until(poll):
    """Polls until there is something to return."""
    while True:
        if found := poll():
            return found
        time.sleep(0.02)


def advance(hours):
    """Moves the clock of the slow simulator, once each batch runs.

    One that is still validated would begin after the hours that have passed.
    """

    def run():
        with urllib.request.urlopen(SLOW + "/_simulator/batches") as reply:
            return b'"status":"validating"' not in reply.read()

    until(run)
    body = json.dumps({"advance": hours * 3_600_000_000_000}).encode()
    with urllib.request.urlopen(SLOW + "/_simulator/clock", data=body) as reply:
        assert reply.status == 204


def jsonl(text):
    if isinstance(text, bytes):
        text = text.decode()
    assert text.endswith("\n"), "the last line ends"
    return [json.loads(line) for line in text.splitlines()]
