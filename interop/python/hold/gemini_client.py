import asyncio

from google import genai
from lib import CALLS, KEY, all_of, refused

client = genai.Client(api_key=KEY)
MODEL = "gemini-3-flash"


async def ask(text):
    return (await client.aio.models.generate_content(model=MODEL, contents=text)).text


async def streamed(text):
    said = ""
    async for chunk in await client.aio.models.generate_content_stream(model=MODEL, contents=text):
        said += chunk.text or ""
    return said


async def main():
    await asyncio.gather(all_of("contents", ask), all_of("streamed contents", streamed), refused(ask, lambda e: e.code))
    print("rows", 2 * CALLS + 1)


asyncio.run(main())
