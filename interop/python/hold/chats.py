"""Chats with the clients that have OpenAI's form."""


def ask(text, model="gpt-4.1-mini"):
    return {"model": model, "messages": [{"role": "user", "content": text}]}


def chats(create):
    """Returns how to make a chat and a streamed one, by the method that creates them."""

    async def chat(text):
        return (await create(**ask(text))).choices[0].message.content

    async def streamed(text):
        said = ""
        async for chunk in await create(**ask(text), stream=True):
            said += chunk.choices[0].delta.content or "" if chunk.choices else ""
        return said

    return chat, streamed
