import asyncio

from chats import chats
from lib import CALLS, KEY, PATIENCE, all_of, refused
from openai import AsyncOpenAI

client = AsyncOpenAI(api_key=KEY, timeout=PATIENCE)
chat, streamed = chats(client.chat.completions.create)


async def response(text):
    return (await client.responses.create(model="gpt-4.1-mini", input=text)).output_text


async def main():
    await asyncio.gather(
        all_of("chats", chat),
        all_of("streamed chats", streamed),
        all_of("responses", response),
        refused(chat, lambda e: e.status_code),
    )
    print("rows", 3 * CALLS + 1)


asyncio.run(main())
