"""batchling: a call by httpx for each row, all at once, which it intercepts.

Settings: polls every 0.1 s instead of 10 s, BATCH rows in a batch, no display.
Its cache, which lets a later run find the batches again, is in WORK.

Patch: batchling takes only calls to api.openai.com, by https. These two lines
make it take those to the simulator instead.
"""

import asyncio
import os

import job

os.environ["BATCHLING_CACHE_PATH"] = job.WORK + "/cache.sqlite3"

import httpx
from batchling import batchify
from batchling.providers.openai import OpenAIProvider

OpenAIProvider.hostname = "127.0.0.1"
OpenAIProvider._normalize_base_url = lambda self, *, url: job.URL.removesuffix("/v1")


async def ask(client, id, text):
    reply = await client.post(
        job.URL + "/chat/completions",
        headers={"Authorization": "Bearer sk-bench"},
        json={"model": job.MODEL, "messages": [{"role": "user", "content": text}]},
    )
    reply.raise_for_status()
    return id, reply.json()["choices"][0]["message"]["content"]


async def main():
    async with httpx.AsyncClient(timeout=None) as client:
        async with batchify(batch_size=job.BATCH, batch_poll_interval_seconds=job.POLL, live_display=False):
            return await asyncio.gather(*(ask(client, id, text) for id, text in job.rows()))


job.write(asyncio.run(main()))
