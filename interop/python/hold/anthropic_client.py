import asyncio

from anthropic import AsyncAnthropic
from lib import CALLS, KEY, PATIENCE, all_of, refused

client = AsyncAnthropic(api_key=KEY, timeout=PATIENCE)


def ask(text):
    return {"model": "claude-haiku-5.5", "max_tokens": 100, "messages": [{"role": "user", "content": text}]}


async def message(text):
    return (await client.messages.create(**ask(text))).content[0].text


async def streamed(text):
    async with client.messages.stream(**ask(text)) as stream:
        return await stream.get_final_text()


async def main():
    await asyncio.gather(
        all_of("messages", message),
        all_of("streamed messages", streamed),
        refused(message, lambda e: e.status_code),
    )
    print("rows", 2 * CALLS + 1)


asyncio.run(main())
