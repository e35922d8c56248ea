import asyncio

from langchain_openai import ChatOpenAI
from lib import CALLS, KEY, PATIENCE, all_of, refused

model = ChatOpenAI(model="gpt-4.1-mini", api_key=KEY, timeout=PATIENCE)


async def chat(text):
    return (await model.ainvoke(text)).text


async def streamed(text):
    said = ""
    async for chunk in model.astream(text):
        said += chunk.text
    return said


async def batched():
    """LangChain's own way to make many calls at once."""
    texts = [f"batched ticket {n}" for n in range(CALLS)]
    for text, answer in zip(texts, await model.abatch(texts)):
        assert answer.text == "general: " + text, answer
    print("ok  ", CALLS, "calls of abatch")


async def main():
    await asyncio.gather(
        all_of("chats", chat),
        all_of("streamed chats", streamed),
        batched(),
        refused(chat, lambda e: e.status_code),
    )
    print("rows", 3 * CALLS + 1)


asyncio.run(main())
