import asyncio

import httpx
from lib import CALLS, KEY, PATIENCE, all_of, refused
from together import AsyncTogether, DefaultAsyncHttpxClient

# Without more connections, it makes a hundred calls at a time.
connections = DefaultAsyncHttpxClient(limits=httpx.Limits(max_connections=1000))
client = AsyncTogether(api_key=KEY, timeout=PATIENCE, http_client=connections)


def ask(text):
    return {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": text}]}


async def chat(text):
    return (await client.chat.completions.create(**ask(text))).choices[0].message.content


async def streamed(text):
    said = ""
    async for chunk in await client.chat.completions.create(**ask(text), stream=True):
        said += chunk.choices[0].delta.content or "" if chunk.choices else ""
    return said


async def main():
    await asyncio.gather(
        all_of("chats", chat),
        all_of("streamed chats", streamed),
        refused(chat, lambda e: e.status_code),
    )
    print("rows", 2 * CALLS + 1)


asyncio.run(main())
