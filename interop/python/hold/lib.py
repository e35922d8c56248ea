"""What the scripts share that call a provider through baler serve."""

import asyncio
import os

KEY = "sk-interop"
CALLS = int(os.environ["HOLD_CALLS"])
# How long a call waits by itself. Where batches take longer, only what the proxy
# does lets it through.
PATIENCE = float(os.environ["HOLD_PATIENCE"])


async def all_of(name, ask):
    """Makes the calls at once. Each answer has to be that of its call."""
    texts = [f"{name} ticket {n}" for n in range(CALLS)]
    answers = await asyncio.gather(*map(ask, texts))
    for text, answer in zip(texts, answers):
        assert answer == "general: " + text, answer
    print("ok  ", CALLS, name)


async def refused(ask, status, breaks=()):
    """Makes a call that the provider refuses. A client whose answer has to begin
    earlier sees its connection break, and gets the error of the same call then."""
    try:
        await ask("[[400]]")
    except breaks:
        return await refused(ask, status)
    except Exception as e:  # of the client's own kind
        assert status(e) == 400, e
        print("ok   a refused call")
        return
    raise AssertionError("it was answered")
