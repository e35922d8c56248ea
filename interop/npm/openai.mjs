// Drives the simulator with OpenAI's client through a batch's whole life.
import assert from 'node:assert/strict';
import OpenAI, { toFile } from 'openai';
import { advance, all, by, jsonl, key, quick, slow, step, until } from './lib.mjs';

const connect = (url, apiKey = key) => new OpenAI({ apiKey, baseURL: `${url}/openai/v1`, maxRetries: 0 });
const client = connect(quick);
const patient = connect(slow);

const chat = (prompt) => ({ model: 'gpt-4.1-mini', messages: [{ role: 'user', content: prompt }] });
const row = (id, prompt, url = '/v1/chat/completions', body = chat(prompt)) => JSON.stringify({ custom_id: id, method: 'POST', url, body });
const input = (rows) => toFile(Buffer.from(rows.join('\n') + '\n'), 'in.jsonl', { type: 'application/jsonl' });
const many = Array.from({ length: 10 }, (_, i) => row(`row-${i}`, 'a slow one'));

const upload = (file, from = client) => from.files.create({ purpose: 'batch', file });
const create = (file, run, options = {}, from = client) =>
  from.batches.create({
    input_file_id: file.id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    metadata: { run },
    ...options,
  });
const ended = (id, from = client) =>
  until(async () => {
    const batch = await from.batches.retrieve(id);
    return ['completed', 'failed', 'expired', 'cancelled'].includes(batch.status) && batch;
  });
const lines = async (fileID, from = client) => jsonl(await (await from.files.content(fileID)).text());

const rejects = (promise, status) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof OpenAI.APIError, `${error}`);
    assert.equal(error.status, status, error.message);
    assert.ok(error.requestID, 'the error has a request id');
    return true;
  });

const source = await input([
  row('a', 'I was charged twice'),
  row('b', 'Please [[500]] here'),
  row('c', 'Größe passt nicht 👟'),
  row('d', 'please [[refuse]]'),
]);
const file = await step('upload a file', async () => {
  const file = await upload(source);
  assert.equal(file.object, 'file');
  assert.equal(file.filename, 'in.jsonl');
  assert.equal(file.purpose, 'batch');
  assert.equal(file.bytes, source.size);
  return file;
});

await step('read the file back', async () => {
  assert.equal((await client.files.retrieve(file.id)).bytes, source.size);
  const content = await (await client.files.content(file.id)).text();
  assert.equal(content, await source.text());
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
  const output = by(await lines(batch.output_file_id), 'custom_id');
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
  const { id } = await create(await upload(await input(many), patient), 'slow', {}, patient);
  await advance(12);
  assert.equal((await patient.batches.cancel(id)).status, 'cancelling');
  const batch = await ended(id, patient);
  assert.equal(batch.status, 'cancelled');
  const done = await lines(batch.output_file_id, patient);
  const rest = await lines(batch.error_file_id, patient);
  assert.equal(done.length, batch.request_counts.completed);
  assert.equal(done.length + rest.length, many.length);
  for (const line of rest) assert.equal(line.error.code, 'batch_cancelled');
});

await step('see a batch expire', async () => {
  const { id } = await create(await upload(await input(many), patient), 'slow', {}, patient);
  await advance(25);
  const batch = await ended(id, patient);
  assert.equal(batch.status, 'expired');
  assert.ok(batch.request_counts.completed > 0);
  for (const line of await lines(batch.error_file_id, patient)) assert.equal(line.error.code, 'batch_expired');
});

await step('see the results of a batch expire', async () => {
  const options = { output_expires_after: { anchor: 'created_at', seconds: 86400 } };
  const batch = await ended((await create(file, 'second', options)).id);
  const output = await client.files.retrieve(batch.output_file_id);
  assert.equal(output.expires_at - output.created_at, 86400);
});

const others = {
  '/v1/responses': [{ model: 'gpt-4.1-mini', input: 'I was charged twice' }, (body) => assert.equal(body.output[0].content[0].text, 'billing: I was charged twice')],
  '/v1/embeddings': [{ model: 'text-embedding-3-small', input: ['one', 'two'] }, (body) => assert.equal(body.data.length, 2)],
  '/v1/moderations': [{ model: 'omni-moderation-latest', input: '[[filter]]' }, (body) => assert.ok(body.results[0].flagged)],
  '/v1/completions': [{ model: 'gpt-3.5-turbo-instruct', prompt: 'hello' }, (body) => assert.equal(body.choices[0].text, 'general: hello')],
};
await step(`run batches of ${Object.keys(others).join(', ')}`, async () => {
  for (const [endpoint, [body, check]] of Object.entries(others)) {
    const { id } = await create(await upload(await input([row('a', '', endpoint, body)])), endpoint, { endpoint });
    const batch = await ended(id);
    assert.equal(batch.status, 'completed');
    const [line] = await lines(batch.output_file_id);
    check(line.response.body);
  }
});

await step('be refused to cancel a completed batch', () => rejects(client.batches.cancel(batch.id), 409));

await step('see a batch fail validation', async () => {
  const bad = await input([row('a', 'x'), '{"custom_id"', row('a', 'y')]);
  const failed = await ended((await create(await upload(bad), 'third')).id);
  assert.equal(failed.status, 'failed');
  const errors = failed.errors.data.map(({ code, line }) => [code, line]);
  assert.deepEqual(errors, [['invalid_json_line', 2], ['duplicate_custom_id', 3]]);
});

await step('list batches page by page, newest first', async () => {
  const page = await client.batches.list({ limit: 2 });
  assert.equal(page.data.length, 2);
  assert.equal(page.has_more, true);
  const runs = (await all(client.batches.list({ limit: 2 }))).map(({ metadata }) => metadata.run);
  assert.deepEqual(runs, ['third', ...Object.keys(others).reverse(), 'second', 'first']);
});

await step('list files by purpose', async () => {
  const files = await all(client.files.list({ purpose: 'batch', limit: 2 }));
  assert.equal(files.length, 2 + Object.keys(others).length);
  for (const { purpose } of files) assert.equal(purpose, 'batch');
});

await step('delete a file', async () => {
  assert.equal((await client.files.delete(file.id)).deleted, true);
  await rejects(client.files.retrieve(file.id), 404);
});

await step('ask live', async () => {
  const { choices, usage } = await client.chat.completions.create(chat('I was charged twice'));
  assert.equal(choices[0].message.content, 'billing: I was charged twice');
  assert.ok(usage.total_tokens > 0);
  assert.equal((await client.responses.create(others['/v1/responses'][0])).output_text, 'billing: I was charged twice');
  const { data } = await client.embeddings.create({ model: 'text-embedding-3-small', input: ['one', 'two'] });
  assert.equal(data.length, 2);
  assert.notDeepEqual(data[0].embedding, data[1].embedding);
  for (const [input, flagged] of [[['one', 'two'], [false, false]], ['[[filter]]', [true]]]) {
    const { results } = await client.moderations.create({ input });
    assert.deepEqual(results.map((result) => result.flagged), flagged);
  }
  assert.equal((await client.completions.create(others['/v1/completions'][0])).choices[0].text, 'general: hello');
});

await step('get an answer that follows a schema', async () => {
  const schema = { type: 'object', properties: { x: { type: 'string' } }, required: ['x'], additionalProperties: false };
  const answer = await client.chat.completions.create({
    ...chat('hello'), response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } },
  });
  assert.equal(typeof JSON.parse(answer.choices[0].message.content).x, 'string');
});

await step('see nothing with another key, and get nowhere with a wrong one', async () => {
  const other = connect(quick, 'sk-other');
  await rejects(other.batches.retrieve(batch.id), 404);
  assert.equal((await other.batches.list()).data.length, 0);
  await rejects(connect(quick, 'sk-wrong').batches.list(), 401);
});
