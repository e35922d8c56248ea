"""Drives the simulator with Google's client through the whole life of batches,
with files and inline."""

import io
import json

from google import genai
from google.genai import errors, types

from lib import KEY, QUICK, SLOW, advance, jsonl, raises, step, until


def connect(url, key=KEY):
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url + "/gemini"))


client, patient = connect(QUICK), connect(SLOW)
MODEL, EMBEDDER = "gemini-3.5-flash", "gemini-embedding-001"
NAMED = {"display_name": "interop"}
TERMINAL = {"JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED", "JOB_STATE_EXPIRED", "JOB_STATE_PARTIALLY_SUCCEEDED"}


def contents(prompt):
    return [{"role": "user", "parts": [{"text": prompt}]}]


def inlined(name, prompt):
    return {"contents": contents(prompt), "metadata": {"key": name}}


def line(name, request):
    return json.dumps({"key": name, "request": request}) + "\n"


def upload(source, text):
    config = {"display_name": "interop", "mime_type": "application/jsonl"}
    return source.files.upload(file=io.BytesIO(text.encode()), config=config)


def ended(source, name):
    def poll():
        batch = source.batches.get(name=name)
        return batch if batch.state.name in TERMINAL else None

    return until(poll)


ten = [inlined(f"row-{i}", "a slow one") for i in range(10)]

with step("upload a file"):
    text = line("row-a", {"contents": contents("I was charged twice")}) + line("row-b", {"contents": contents("Please [[500]] here")})
    file = upload(client, text)
    assert file.name.startswith("files/") and file.display_name == "interop", file
    assert file.state.name == "ACTIVE" and file.size_bytes == len(text)

with step("create a batch of the file"):
    created = client.batches.create(model=MODEL, src=file.name, config=NAMED)
    assert created.name.startswith("batches/") and created.display_name == "interop"
    assert created.state.name in ("JOB_STATE_PENDING", "JOB_STATE_RUNNING")

with step("poll it to its end, and download the results"):
    batch = ended(client, created.name)
    assert batch.state.name == "JOB_STATE_SUCCEEDED"
    rows = {row["key"]: row for row in jsonl(client.files.download(file=batch.dest.file_name))}
    assert sorted(rows) == ["row-a", "row-b"]
    assert rows["row-a"]["response"]["candidates"][0]["content"]["parts"][0]["text"] == "billing: I was charged twice"
    assert rows["row-b"]["error"]["code"] == 13

with step("create a batch inline, and read its results in order"):
    src = [inlined("row-a", "I was charged twice"), inlined("row-b", "Please [[500]] here")]
    batch = ended(client, client.batches.create(model=MODEL, src=src, config=NAMED).name)
    assert batch.state.name == "JOB_STATE_SUCCEEDED"
    first, second = batch.dest.inlined_responses
    assert first.response.text == "billing: I was charged twice"
    assert first.metadata == {"key": "row-a"}
    assert second.error.code == 13

with step("embed inline"):
    requests = {"contents": contents("one") + contents("two"), "config": {"output_dimensionality": 8}}
    name = client.batches.create_embeddings(model=EMBEDDER, src={"inlined_requests": requests}, config=NAMED).name
    batch = ended(client, name)
    assert batch.state.name == "JOB_STATE_SUCCEEDED"
    vectors = [one.response.embedding.values for one in batch.dest.inlined_embed_content_responses]
    assert [len(vector) for vector in vectors] == [8, 8] and vectors[0] != vectors[1]

with step("embed a file, in snake case"):
    source = upload(client, line("row-a", {"content": contents("one")[0], "output_dimensionality": 8}))
    name = client.batches.create_embeddings(model=EMBEDDER, src={"file_name": source.name}, config=NAMED).name
    (row,) = jsonl(client.files.download(file=ended(client, name).dest.file_name))
    assert len(row["response"]["embedding"]["values"]) == 8

with step("cancel a batch"):
    name = patient.batches.create(model=MODEL, src=ten, config=NAMED).name
    advance(12)
    patient.batches.cancel(name=name)
    batch = ended(patient, name)
    assert batch.state.name == "JOB_STATE_CANCELLED"
    rows = batch.dest.inlined_responses
    assert len(rows) == len(ten)
    assert any(row.response for row in rows) and any(row.error and row.error.code == 1 for row in rows)

with step("see a batch expire"):
    name = patient.batches.create(model=MODEL, src=ten, config=NAMED).name
    advance(49)
    batch = ended(patient, name)
    assert batch.state.name == "JOB_STATE_EXPIRED"
    assert not (batch.dest and batch.dest.inlined_responses)

with step("list batches page by page"):
    names = [batch.name for batch in client.batches.list(config={"page_size": 2})]
    assert len(names) == len(set(names)) == 4 and created.name in names

with step("delete a batch"):
    client.batches.delete(name=created.name)
    with raises(errors.ClientError, code=404):
        client.batches.get(name=created.name)

with step("get, list and delete files"):
    assert client.files.get(name=file.name).name == file.name
    assert len(list(client.files.list(config={"page_size": 1}))) == 2
    client.files.delete(name=file.name)
    with raises(errors.ClientError, code=403):
        client.files.get(name=file.name)

with step("ask live"):
    assert client.models.generate_content(model=MODEL, contents="I was charged twice").text == "billing: I was charged twice"
    assert client.models.embed_content(model=EMBEDDER, contents="one").embeddings[0].values
    assert client.models.count_tokens(model=MODEL, contents="hello").total_tokens > 0

with step("get an answer that follows a schema"):
    for schema in (
        {"response_json_schema": {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}},
        {"response_schema": {"type": "OBJECT", "properties": {"x": {"type": "STRING"}}, "required": ["x"]}},
    ):
        answer = client.models.generate_content(model=MODEL, contents="hello", config={"response_mime_type": "application/json", **schema})
        assert isinstance(json.loads(answer.text)["x"], str)

with step("be refused"):
    with raises(errors.ClientError, code=404):
        client.batches.get(name="batches/none")
    with raises(errors.ClientError, code=403):
        client.batches.create(model=MODEL, src="files/none")
    with raises(errors.ClientError, code=400):
        client.models.generate_content(model=MODEL, contents="hello", config={"response_json_schema": {"type": "object"}})

with step("see nothing with another key, and get nowhere with a wrong one"):
    name = client.batches.create(model=MODEL, src=[inlined("row-a", "x")]).name
    other, wrong = connect(QUICK, "sk-other"), connect(QUICK, "sk-wrong")
    with raises(errors.ClientError, code=404):
        other.batches.get(name=name)
    assert list(other.batches.list()) == []
    with raises(errors.ClientError, code=400):
        wrong.batches.get(name=name)
