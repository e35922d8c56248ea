import asyncio

import litellm
from lib import CALLS, KEY, PATIENCE, all_of, refused


def ask(text):
    return {
        "model": "openai/gpt-4.1-mini",
        "messages": [{"role": "user", "content": text}],
        "api_key": KEY,
        "timeout": PATIENCE,
    }


async def chat(text):
    return (await litellm.acompletion(**ask(text))).choices[0].message.content


async def streamed(text):
    said = ""
    async for chunk in await litellm.acompletion(**ask(text), stream=True):
        said += chunk.choices[0].delta.content or "" if chunk.choices else ""
    return said


async def message(text):
    return (await litellm.acompletion(**ask(text) | {"model": "anthropic/claude-haiku-5.5"})).choices[0].message.content


async def main():
    await asyncio.gather(
        all_of("chats", chat),
        all_of("streamed chats", streamed),
        all_of("messages of Anthropic", message),
        refused(chat, lambda e: e.status_code),
    )
    print("rows", 3 * CALLS + 1)


asyncio.run(main())
