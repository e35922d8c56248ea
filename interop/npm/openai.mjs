// Drives the simulator with the official client through a batch's whole life.
// Needs SIMULATOR_URL; exits with 1 at the first thing that is not as expected.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI, { toFile } from 'openai';

const baseURL = `${process.env.SIMULATOR_URL}/openai/v1`;
const client = new OpenAI({ apiKey: 'sk-interop', baseURL, maxRetries: 0 });

const step = async (name, run) => {
  const result = await run();
  console.log(`ok   ${name}`);
  return result;
};

const row = (id, prompt) =>
  JSON.stringify({
    custom_id: id,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'gpt-4.1-mini', messages: [{ role: 'user', content: prompt }] },
  });

const upload = (file) => client.files.create({ purpose: 'batch', file });

const jsonl = (rows) => toFile(Buffer.from(rows.join('\n') + '\n'), 'in.jsonl', { type: 'application/jsonl' });

const create = (file, run) =>
  client.batches.create({
    input_file_id: file.id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    metadata: { run },
  });

const ended = async (id) => {
  for (;;) {
    const batch = await client.batches.retrieve(id);
    if (['completed', 'failed', 'expired', 'cancelled'].includes(batch.status)) return batch;
    await sleep(20);
  }
};

const lines = async (fileID) => {
  const text = await (await client.files.content(fileID)).text();
  assert.ok(text.endsWith('\n'), 'the last line ends');
  return text.trimEnd().split('\n').map((line) => JSON.parse(line));
};

const rejects = (promise, status) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof OpenAI.APIError, `${error}`);
    assert.equal(error.status, status, error.message);
    assert.ok(error.requestID, 'the error has a request id');
    return true;
  });

const input = await jsonl([
  row('a', 'I was charged twice'),
  row('b', 'Please [[500]] here'),
  row('c', 'Größe passt nicht 👟'),
  row('d', 'please [[refuse]]'),
]);
const file = await step('upload a file', async () => {
  const file = await upload(input);
  assert.equal(file.object, 'file');
  assert.equal(file.filename, 'in.jsonl');
  assert.equal(file.purpose, 'batch');
  assert.equal(file.bytes, input.size);
  return file;
});

await step('read the file back', async () => {
  assert.equal((await client.files.retrieve(file.id)).bytes, input.size);
  const content = await (await client.files.content(file.id)).text();
  assert.equal(content, await input.text());
});

const created = await step('create a batch', async () => {
  const batch = await create(file, 'first');
  assert.equal(batch.object, 'batch');
  assert.equal(batch.status, 'validating');
  assert.equal(batch.input_file_id, file.id);
  assert.deepEqual(batch.metadata, { run: 'first' });
  assert.equal(batch.expires_at - batch.created_at, 24 * 60 * 60);
  return batch;
});

const batch = await step('poll it to completion', async () => {
  const batch = await ended(created.id);
  assert.equal(batch.status, 'completed');
  assert.deepEqual(batch.request_counts, { total: 4, completed: 3, failed: 1 });
  assert.equal(batch.model, 'gpt-4.1-mini');
  assert.ok(batch.usage.total_tokens > 0);
  assert.ok(batch.completed_at >= batch.in_progress_at);
  return batch;
});

await step('download the output file', async () => {
  const output = new Map((await lines(batch.output_file_id)).map((line) => [line.custom_id, line]));
  assert.deepEqual([...output.keys()].sort(), ['a', 'c', 'd']);
  const message = (id) => output.get(id).response.body.choices[0].message;
  assert.equal(message('a').content, 'billing: I was charged twice');
  assert.match(message('c').content, /Größe passt nicht 👟/);
  assert.equal(message('d').content, null);
  assert.ok(message('d').refusal);
});

await step('download the error file', async () => {
  const [line, ...rest] = await lines(batch.error_file_id);
  assert.equal(rest.length, 0);
  assert.equal(line.custom_id, 'b');
  assert.equal(line.response.status_code, 500);
  assert.equal(line.response.body.error.code, 'server_error');
});

await step('cancel a batch', async () => {
  const many = Array.from({ length: 200 }, (_, i) => row(`row-${i}`, 'a slow one'));
  const slow = await create(await upload(await jsonl(many)), 'second');
  while ((await client.batches.retrieve(slow.id)).status === 'validating') await sleep(5);
  assert.equal((await client.batches.cancel(slow.id)).status, 'cancelling');
  const batch = await ended(slow.id);
  assert.equal(batch.status, 'cancelled');
  const done = batch.output_file_id ? (await lines(batch.output_file_id)).length : 0;
  const rest = batch.error_file_id ? await lines(batch.error_file_id) : [];
  assert.equal(done, batch.request_counts.completed);
  assert.equal(done + rest.length, many.length);
  for (const line of rest) assert.equal(line.error.code, 'batch_cancelled');
});

await step('be refused to cancel a completed batch', () => rejects(client.batches.cancel(batch.id), 409));

await step('see a batch fail validation', async () => {
  const bad = await jsonl([row('a', 'x'), '{"custom_id"', row('a', 'y')]);
  const failed = await ended((await create(await upload(bad), 'third')).id);
  assert.equal(failed.status, 'failed');
  const errors = failed.errors.data.map(({ code, line }) => [code, line]);
  assert.deepEqual(errors, [['invalid_json_line', 2], ['duplicate_custom_id', 3]]);
});

await step('list batches page by page, newest first', async () => {
  const page = await client.batches.list({ limit: 2 });
  assert.equal(page.data.length, 2);
  assert.equal(page.has_more, true);
  const runs = [];
  for await (const { metadata } of client.batches.list({ limit: 2 })) runs.push(metadata.run);
  assert.deepEqual(runs, ['third', 'second', 'first']);
});

await step('list files by purpose', async () => {
  const names = [];
  for await (const { purpose, filename } of client.files.list({ purpose: 'batch', limit: 2 })) {
    assert.equal(purpose, 'batch');
    names.push(filename);
  }
  assert.equal(names.length, 3);
});

await step('delete a file', async () => {
  assert.equal((await client.files.delete(file.id)).deleted, true);
  await rejects(client.files.retrieve(file.id), 404);
});

await step('see nothing with another key, and get nowhere with a wrong one', async () => {
  const other = new OpenAI({ apiKey: 'sk-other', baseURL, maxRetries: 0 });
  await rejects(other.batches.retrieve(batch.id), 404);
  assert.equal((await other.batches.list()).data.length, 0);
  const wrong = new OpenAI({ apiKey: 'sk-wrong', baseURL, maxRetries: 0 });
  await rejects(wrong.batches.list(), 401);
});
