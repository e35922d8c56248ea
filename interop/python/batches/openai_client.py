"""A program for OpenAI's batches, unchanged, whose route is Anthropic's."""

import json
import os
import time

from openai import OpenAI

client = OpenAI(api_key="sk-interop")
ROWS = int(os.environ["BATCH_ROWS"])


def row(n):
    body = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": f"ticket {n}"}]}
    return json.dumps({"custom_id": f"row-{n}", "method": "POST", "url": "/v1/chat/completions", "body": body})


lines = "\n".join(row(n) for n in range(ROWS)) + "\n"
file = client.files.create(file=("in.jsonl", lines.encode()), purpose="batch")
batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
assert batch.status == "validating", batch
print("ok   create a batch")

while batch.status not in ("completed", "failed", "expired", "cancelled"):
    time.sleep(0.1)
    batch = client.batches.retrieve(batch.id)
assert batch.status == "completed", batch
assert batch.request_counts.completed == ROWS, batch
print("ok   poll it")

output = [json.loads(line) for line in client.files.content(batch.output_file_id).text.splitlines()]
assert len(output) == ROWS
for line in output:
    said = line["response"]["body"]["choices"][0]["message"]["content"]
    assert said == "general: ticket " + line["custom_id"][4:], said
print("ok   read its output")
print("rows", ROWS)
