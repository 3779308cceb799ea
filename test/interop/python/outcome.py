"""What the scripts tell the runner: one JSON line per check."""

import json
import sys
import traceback


def tell(name, error=None):
    print(json.dumps({"name": name, **({} if error is None else {"failure": error})}), flush=True)


async def check(name, coroutine):
    """A check that passes when the coroutine returns without an exception."""
    try:
        await coroutine
        tell(name)
    except BaseException as error:
        last = traceback.extract_tb(sys.exc_info()[2])[-1]
        cause = "" if error.__cause__ is None else f", because of {error.__cause__!r}"
        tell(name, f"{type(error).__name__}: {error}{cause} ({last.name}: {last.line})")


def equal(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"
