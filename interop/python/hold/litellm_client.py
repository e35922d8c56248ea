import asyncio
import functools

import litellm
from chats import ask, chats
from lib import CALLS, KEY, PATIENCE, all_of, refused

create = functools.partial(litellm.acompletion, api_key=KEY, timeout=PATIENCE)


def of(provider):
    """LiteLLM names the provider in the model."""
    return lambda model, **rest: create(model=f"{provider}/{model}", **rest)


chat, streamed = chats(of("openai"))


async def message(text):
    return (await of("anthropic")(**ask(text, "claude-haiku-5.5"))).choices[0].message.content


async def main():
    await asyncio.gather(
        all_of("chats", chat),
        all_of("streamed chats", streamed),
        all_of("messages of Anthropic", message),
        refused(chat, lambda e: e.status_code),
    )
    print("rows", 3 * CALLS + 1)


asyncio.run(main())
