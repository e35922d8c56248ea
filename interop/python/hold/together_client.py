import asyncio

import httpx
from chats import chats
from lib import CALLS, KEY, PATIENCE, all_of, refused
from together import AsyncTogether, DefaultAsyncHttpxClient

# Without more connections, it makes a hundred calls at a time.
connections = DefaultAsyncHttpxClient(limits=httpx.Limits(max_connections=1000))
client = AsyncTogether(api_key=KEY, timeout=PATIENCE, http_client=connections)
chat, streamed = chats(client.chat.completions.create)


async def main():
    await asyncio.gather(
        all_of("chats", chat),
        all_of("streamed chats", streamed),
        refused(chat, lambda e: e.status_code),
    )
    print("rows", 2 * CALLS + 1)


asyncio.run(main())
