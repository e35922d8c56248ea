import asyncio

from chats import chats
from groq import AsyncGroq
from lib import CALLS, KEY, PATIENCE, all_of, refused

client = AsyncGroq(api_key=KEY, timeout=PATIENCE)
chat, streamed = chats(client.chat.completions.create)


async def main():
    # One kind after the other: this client makes a hundred calls at a time, and
    # more would wait for a connection, not for an answer.
    await all_of("chats", chat)
    await all_of("streamed chats", streamed)
    await refused(chat, lambda e: e.status_code)
    print("rows", 2 * CALLS + 1)


asyncio.run(main())
