"""Drives the simulator with Anthropic's client through a batch's whole life."""

import json

import anthropic

from lib import KEY, QUICK, SLOW, advance, raises, step, until


def connect(url, key=KEY, **options):
    return anthropic.Anthropic(api_key=key, base_url=url + "/anthropic", max_retries=0, **options)


client, patient = connect(QUICK), connect(SLOW)
# One that speaks the older version, which has the key in a header of its own.
older = connect(QUICK, default_headers={"anthropic-version": "2023-06-01", "x-api-key": KEY, "authorization": anthropic.Omit()})


def ask(prompt, **options):
    return {"model": "claude-haiku-5-5", "max_tokens": 64, "messages": [{"role": "user", "content": prompt}], **options}


def row(name, prompt, **options):
    return {"custom_id": name, "params": ask(prompt, **options)}


def ended(source, name):
    def poll():
        batch = source.messages.batches.retrieve(name)
        return batch if batch.processing_status == "ended" else None

    return until(poll)


def results(source, name):
    return {line.custom_id: line.result for line in source.messages.batches.results(name)}


ten = [row(f"row-{i}", "a slow one") for i in range(10)]

with step("create a batch"):
    created = client.messages.batches.create(requests=[row("row-a", "I was charged twice"), row("row-b", "Please [[500]] here")])
    assert created.processing_status == "in_progress", created
    assert created.request_counts.processing == 2
    assert created.results_url is None
    assert (created.expires_at - created.created_at).total_seconds() == 24 * 60 * 60

with step("poll it to its end"):
    batch = ended(client, created.id)
    counts = batch.request_counts
    assert (counts.succeeded, counts.errored, counts.canceled, counts.expired) == (1, 1, 0, 0), counts
    assert batch.results_url.startswith(QUICK), "the results are at an absolute URL"

with step("follow the URL of the results"):
    rows = results(client, created.id)
    assert sorted(rows) == ["row-a", "row-b"]
    message = rows["row-a"].message
    assert rows["row-a"].type == "succeeded"
    assert message.content[0].text == "billing: I was charged twice"
    assert message.stop_reason == "end_turn" and message.usage.output_tokens > 0
    assert rows["row-b"].type == "errored"
    assert rows["row-b"].error.error.type == "api_error" and rows["row-b"].error.request_id

with step("see rows refused that sample, and take them in the older version"):
    requests = [row("row-a", "hello", temperature=0.5)]
    name = client.messages.batches.create(requests=requests).id
    ended(client, name)
    assert results(client, name)["row-a"].error.error.type == "invalid_request_error"
    name = older.messages.batches.create(requests=requests).id
    ended(older, name)
    assert results(older, name)["row-a"].message.content[0].text == "general: hello"

with step("cancel a batch"):
    name = patient.messages.batches.create(requests=ten).id
    advance(12)
    assert patient.messages.batches.cancel(name).cancel_initiated_at
    counts = ended(patient, name).request_counts
    types = [result.type for result in results(patient, name).values()]
    assert counts.succeeded > 0 and counts.canceled > 0
    assert (types.count("succeeded"), types.count("canceled")) == (counts.succeeded, counts.canceled)

with step("see a batch expire"):
    name = patient.messages.batches.create(requests=ten).id
    with raises(anthropic.ConflictError, status_code=409):
        patient.messages.batches.delete(name)
    with raises(anthropic.AnthropicError):
        patient.messages.batches.results(name)
    advance(25)
    counts = ended(patient, name).request_counts
    types = [result.type for result in results(patient, name).values()]
    assert counts.succeeded > 0 and counts.expired > 0
    assert types.count("expired") == counts.expired

with step("list batches page by page, newest first"):
    page = client.messages.batches.list(limit=2)
    assert len(page.data) == 2 and page.has_more
    names = [batch.id for batch in client.messages.batches.list(limit=2)]
    assert len(names) == 3 and names[2] == created.id

with step("delete a batch"):
    assert client.messages.batches.delete(created.id).type == "message_batch_deleted"
    with raises(anthropic.NotFoundError, status_code=404):
        client.messages.batches.retrieve(created.id)

with step("ask live"):
    message = client.messages.create(**ask("I was charged twice"))
    assert message.content[0].text == "billing: I was charged twice"
    assert older.messages.create(**ask("hello")).type == "message"
    counted = client.messages.count_tokens(model="claude-haiku-5-5", messages=[{"role": "user", "content": "hello"}])
    assert counted.input_tokens > 0

with step("get an answer that follows a schema"):
    schema = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"], "additionalProperties": False}
    message = client.messages.create(**ask("hello", output_config={"format": {"type": "json_schema", "schema": schema}}))
    assert isinstance(json.loads(message.content[0].text)["x"], str)

with step("be refused"):
    with raises(anthropic.BadRequestError, status_code=400):
        client.messages.batches.create(requests=[row("not an id", "x")])
    with raises(anthropic.BadRequestError, status_code=400):
        client.messages.batches.create(requests=[row("a", "x"), row("a", "x")])
    with raises(anthropic.BadRequestError, status_code=400):
        client.messages.create(**ask("hello", extra_body={"temperature": 0.5}))
    with raises(anthropic.NotFoundError, status_code=404):
        client.messages.batches.retrieve("msgbatch_none")

with step("see nothing with another key, and get nowhere with a wrong one"):
    name = client.messages.batches.create(requests=[row("row-a", "x")]).id
    other = connect(QUICK, "sk-other")
    with raises(anthropic.NotFoundError, status_code=404):
        other.messages.batches.retrieve(name)
    assert other.messages.batches.list().data == []
    with raises(anthropic.AuthenticationError, status_code=401):
        connect(QUICK, "sk-wrong").messages.batches.list()
