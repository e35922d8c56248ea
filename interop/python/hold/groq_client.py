import asyncio

from groq import AsyncGroq
from lib import CALLS, KEY, PATIENCE, all_of, refused

client = AsyncGroq(api_key=KEY, timeout=PATIENCE)


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
    # One kind after the other: this client makes a hundred calls at a time, and
    # more would wait for a connection, not for an answer.
    await all_of("chats", chat)
    await all_of("streamed chats", streamed)
    await refused(chat, lambda e: e.status_code)
    print("rows", 2 * CALLS + 1)


asyncio.run(main())
