"""Drives the simulator with Mistral's client through the life of batch jobs."""

import json

from mistralai.client import Mistral
from mistralai.client.errors import MistralError

from lib import KEY, QUICK, SLOW, advance, jsonl, raises, step, until


def connect(url, key=KEY):
    return Mistral(api_key=key, server_url=url + "/mistral")


client, patient = connect(QUICK), connect(SLOW)
JOB = {"model": "mistral-small-latest", "endpoint": "/v1/chat/completions"}


def row(name, prompt):
    return {"custom_id": name, "body": {"messages": [{"role": "user", "content": prompt}]}}


def ended(source, name, **options):
    def poll():
        job = source.batch.jobs.get(job_id=name, **options)
        return job if job.status in ("SUCCESS", "FAILED", "TIMEOUT_EXCEEDED", "CANCELLED") else None

    return until(poll)


def download(name):
    return client.files.download(file_id=name).read()


two = [row("row-a", "I was charged twice"), row("row-b", "Please [[500]] here")]
ten = [row(f"row-{i}", "a slow one") for i in range(10)]

with step("upload a file, and read it back"):
    text = "".join(json.dumps(one) + "\n" for one in two).encode()
    file = client.files.upload(file={"file_name": "in.jsonl", "content": text}, purpose="batch")
    assert (file.filename, file.size_bytes, file.num_lines) == ("in.jsonl", len(text), 2)
    assert download(file.id) == text

with step("create a job of the file, and poll it to its end"):
    created = client.batch.jobs.create(input_files=[file.id], metadata={"run": "first"}, **JOB)
    assert created.total_requests == 2 and created.metadata == {"run": "first"}
    job = ended(client, created.id)
    assert (job.status, job.succeeded_requests, job.failed_requests) == ("SUCCESS", 1, 1)

with step("download the results"):
    (line,) = jsonl(download(job.output_file))
    assert line["response"]["body"]["choices"][0]["message"]["content"] == "billing: I was charged twice"
    (line,) = jsonl(download(job.error_file))
    assert (line["custom_id"], line["response"]["status_code"]) == ("row-b", 500)

with step("create a job inline, and read its results with it"):
    inline = ended(client, client.batch.jobs.create(requests=two, **JOB).id, inline=True)
    assert sorted(line["custom_id"] for line in inline.outputs) == ["row-a", "row-b"]

with step("cancel a job"):
    name = patient.batch.jobs.create(requests=ten, timeout_hours=168, **JOB).id
    advance(12)
    patient.batch.jobs.cancel(job_id=name)
    cancelled = ended(patient, name)
    assert cancelled.status == "CANCELLED" and 0 < cancelled.succeeded_requests < 10

with step("list jobs, also by their metadata"):
    assert client.batch.jobs.list(page_size=1).total == 2
    assert [found.id for found in client.batch.jobs.list(metadata={"run": "first"}).data] == [job.id]

with step("delete a job and a file"):
    client.batch.jobs.delete(job_id=job.id)
    with raises(MistralError, status_code=404):
        client.batch.jobs.get(job_id=job.id)
    assert client.files.delete(file_id=file.id).deleted
    with raises(MistralError, status_code=404):
        client.files.retrieve(file_id=file.id)

with step("ask live"):
    answer = client.chat.complete(model=JOB["model"], messages=[{"role": "user", "content": "I was charged twice"}])
    assert answer.choices[0].message.content == "billing: I was charged twice"
    assert len(client.embeddings.create(model="mistral-embed", inputs=["one", "two"]).data) == 2

with step("see nothing with another key, and get nowhere with a wrong one"):
    with raises(MistralError, status_code=404):
        connect(QUICK, "sk-other").batch.jobs.get(job_id=inline.id)
    with raises(MistralError, status_code=401):
        connect(QUICK, "sk-wrong").batch.jobs.list()
