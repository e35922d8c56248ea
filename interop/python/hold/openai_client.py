import asyncio

from lib import CALLS, KEY, PATIENCE, all_of, refused
from openai import AsyncOpenAI

client = AsyncOpenAI(api_key=KEY, timeout=PATIENCE)
MODEL = "gpt-4.1-mini"


async def chat(text):
    reply = await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": text}])
    return reply.choices[0].message.content


async def streamed(text):
    said = ""
    async for chunk in await client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": text}], stream=True
    ):
        said += chunk.choices[0].delta.content or "" if chunk.choices else ""
    return said


async def response(text):
    return (await client.responses.create(model=MODEL, input=text)).output_text


async def main():
    await asyncio.gather(
        all_of("chats", chat),
        all_of("streamed chats", streamed),
        all_of("responses", response),
        refused(chat, lambda e: e.status_code),
    )
    print("rows", 3 * CALLS + 1)


asyncio.run(main())
