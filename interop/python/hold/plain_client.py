"""Clients that know nothing of providers: requests, urllib3 and http.client."""

import asyncio
import http.client
import json
import os
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import requests
import urllib3
from lib import CALLS, KEY, PATIENCE, all_of, refused

BASE = os.environ["OPENAI_BASE_URL"]
URL = BASE + "/chat/completions"
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
# The answer to a client that is not known begins after thirty seconds.
LONGER = PATIENCE + 10

session = requests.Session()
session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=CALLS))
pool = urllib3.PoolManager(maxsize=CALLS)
threads = ThreadPoolExecutor(max_workers=CALLS)


class Refused(Exception):
    def __init__(self, status):
        super().__init__(status)
        self.status = status


def body(text):
    return json.dumps({"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": text}]})


def said(status, answer):
    if status != 200:
        raise Refused(status)
    return json.loads(answer)["choices"][0]["message"]["content"]


def by_requests(text):
    r = session.post(URL, data=body(text), headers=HEADERS, timeout=LONGER)
    return said(r.status_code, r.text)


def by_urllib3(text):
    r = pool.request("POST", URL, body=body(text), headers=HEADERS, timeout=LONGER, retries=False)
    return said(r.status, r.data)


def by_http_client(text):
    to = urlsplit(URL)
    connection = http.client.HTTPConnection(to.netloc, timeout=LONGER)
    try:
        connection.request("POST", to.path, body(text), HEADERS)
        r = connection.getresponse()
        return said(r.status, r.read())
    finally:
        connection.close()


def in_thread(call):
    return lambda text: asyncio.get_running_loop().run_in_executor(threads, call, text)


async def main():
    await all_of("calls of requests", in_thread(by_requests))
    await all_of("calls of urllib3", in_thread(by_urllib3))
    await all_of("calls of http.client", in_thread(by_http_client))
    await refused(in_thread(by_requests), lambda e: e.status, breaks=requests.RequestException)
    print("rows", 3 * CALLS + 1)


asyncio.run(main())
