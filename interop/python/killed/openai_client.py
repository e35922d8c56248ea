"""A program whose proxy is killed while calls are held. The lines that say
restart, kill and start are orders for who runs the proxy.
"""

import asyncio
import time

from lib import CALLS, KEY, PATIENCE, all_of
from openai import APIConnectionError, AsyncOpenAI

MODEL = "gpt-4.1-mini"
usual = AsyncOpenAI(api_key=KEY, timeout=PATIENCE)
patient = usual.with_options(max_retries=20)


def asks(client):
    async def ask(text):
        reply = await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": text}])
        return reply.choices[0].message.content

    return ask


async def streamed(text):
    said = ""
    async for chunk in await usual.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": text}], stream=True
    ):
        said += chunk.choices[0].delta.content or "" if chunk.choices else ""
    return said


async def failing(name, ask):
    """Makes calls that fail, in time, unless they were answered before."""
    texts, began = [f"{name} ticket {n}" for n in range(CALLS)], time.monotonic()
    results = await asyncio.gather(*map(ask, texts), return_exceptions=True)
    assert time.monotonic() - began < PATIENCE
    errors = [r for r in results if isinstance(r, Exception)]
    assert errors
    assert all(r in errors or r == "general: " + text for text, r in zip(texts, results)), results
    print("ok  ", len(errors), "of", CALLS, name, "fail:", sorted({type(e).__name__ for e in errors}), flush=True)
    return errors


async def again(name, ask):
    """Makes the calls until the proxy is there again."""
    while True:
        try:
            await ask(f"{name} ticket 0")
            break
        except APIConnectionError:
            await asyncio.sleep(0.1)
    await all_of(name, ask)


async def main():
    print("restart once bought", flush=True)
    await all_of("bought chats", asks(patient))
    print("restart", flush=True)
    await all_of("unknown chats", asks(patient))
    print("kill once bought", flush=True)
    errors, _ = await asyncio.gather(failing("chats", asks(usual)), failing("streamed chats", streamed))
    assert all(isinstance(e, APIConnectionError) for e in errors), errors
    print("start", flush=True)
    await asyncio.gather(again("chats", asks(usual)), again("streamed chats", streamed))
    print("rows", 4 * CALLS)


asyncio.run(main())
