import asyncio
import os

import httpx
from chats import ask
from lib import CALLS, KEY, all_of, refused
from mistralai.client import Mistral

# It reads no variable for the address: the proxy's is that of the line "mistral=".
# Its patience is five seconds, and without more connections, it makes a hundred
# calls at a time.
connections = httpx.AsyncClient(limits=httpx.Limits(max_connections=1000), follow_redirects=True)
client = Mistral(api_key=KEY, server_url=os.environ["mistral"], async_client=connections)


async def chat(text):
    return (await client.chat.complete_async(**ask(text, "mistral-small-latest"))).choices[0].message.content


async def streamed(text):
    said = ""
    async for event in await client.chat.stream_async(**ask(text, "mistral-small-latest")):
        said += event.data.choices[0].delta.content or "" if event.data.choices else ""
    return said


async def main():
    await asyncio.gather(
        all_of("chats", chat),
        all_of("streamed chats", streamed),
        refused(chat, lambda e: e.status_code),
    )
    print("rows", 2 * CALLS + 1)


asyncio.run(main())
