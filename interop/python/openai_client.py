"""Drives the simulator with OpenAI's client through a batch's whole life."""

import json

import openai

from lib import KEY, QUICK, SLOW, advance, jsonl, raises, step, until


def connect(url, key=KEY):
    return openai.OpenAI(api_key=key, base_url=url + "/openai/v1", max_retries=0)


client, patient = connect(QUICK), connect(SLOW)
MODEL = "gpt-4.1-mini"


def row(name, prompt):
    body = {"model": MODEL, "messages": [{"role": "user", "content": prompt}]}
    return json.dumps({"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body})


def upload(source, rows):
    return source.files.create(purpose="batch", file=("in.jsonl", ("\n".join(rows) + "\n").encode(), "application/jsonl"))


def create(source, file, run, **options):
    return source.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"run": run}, **options
    )


def ended(source, name):
    def poll():
        batch = source.batches.retrieve(name)
        return batch if batch.status in ("completed", "failed", "expired", "cancelled") else None

    return until(poll)


def lines(source, name):
    return {line["custom_id"]: line for line in jsonl(source.files.content(name).text)}


ten = [row(f"row-{i}", "a slow one") for i in range(10)]

with step("upload a file, and read it back"):
    rows = [row("a", "I was charged twice"), row("b", "Please [[500]] here")]
    file = upload(client, rows)
    assert (file.filename, file.purpose) == ("in.jsonl", "batch")
    assert client.files.retrieve(file.id).bytes == file.bytes
    assert client.files.content(file.id).text == "\n".join(rows) + "\n"

with step("create a batch, and poll it to completion"):
    created = create(client, file, "first", output_expires_after={"anchor": "created_at", "seconds": 86400})
    assert created.status == "validating" and created.metadata == {"run": "first"}
    batch = ended(client, created.id)
    assert batch.status == "completed"
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (2, 1, 1), counts

with step("download the results"):
    (line,) = lines(client, batch.output_file_id).values()
    assert line["response"]["body"]["choices"][0]["message"]["content"] == "billing: I was charged twice"
    (line,) = lines(client, batch.error_file_id).values()
    assert (line["custom_id"], line["response"]["status_code"]) == ("b", 500)
    output = client.files.retrieve(batch.output_file_id)
    assert output.expires_at - output.created_at == 86400

with step("cancel a batch"):
    name = create(patient, upload(patient, ten), "slow").id
    advance(12)
    assert patient.batches.cancel(name).status == "cancelling"
    cancelled = ended(patient, name)
    assert cancelled.status == "cancelled" and 0 < cancelled.request_counts.completed < 10
    with raises(openai.ConflictError, status_code=409):
        client.batches.cancel(batch.id)

with step("see a batch expire"):
    name = create(patient, upload(patient, ten), "slow").id
    advance(25)
    expired = ended(patient, name)
    assert expired.status == "expired" and 0 < expired.request_counts.completed < 10

with step("list batches and files page by page"):
    create(client, file, "second")
    create(client, file, "third")
    page = client.batches.list(limit=2)
    assert len(page.data) == 2 and page.has_more
    assert [found.metadata["run"] for found in client.batches.list(limit=2)] == ["third", "second", "first"]
    assert [found.id for found in client.files.list(purpose="batch", limit=2)] == [file.id]

with step("delete a file"):
    assert client.files.delete(file.id).deleted
    with raises(openai.NotFoundError, status_code=404):
        client.files.retrieve(file.id)

with step("ask live"):
    answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "I was charged twice"}])
    assert answer.choices[0].message.content == "billing: I was charged twice"
    assert client.responses.create(model=MODEL, input="hello").output_text == "general: hello"
    assert len(client.embeddings.create(model="text-embedding-3-small", input=["one", "two"]).data) == 2
    assert client.moderations.create(input="[[filter]]").results[0].flagged
    assert client.completions.create(model="gpt-3.5-turbo-instruct", prompt="hello").choices[0].text == "general: hello"

with step("see nothing with another key, and get nowhere with a wrong one"):
    with raises(openai.NotFoundError, status_code=404):
        connect(QUICK, "sk-other").batches.retrieve(batch.id)
    with raises(openai.AuthenticationError, status_code=401):
        connect(QUICK, "sk-wrong").batches.list()
