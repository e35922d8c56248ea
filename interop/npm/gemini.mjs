// Drives the simulator with Google's client through the whole life of batches,
// with files and inline.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiError, GoogleGenAI } from '@google/genai';
import { advance, all, by, jsonl, key, quick, slow, step, until } from './lib.mjs';

const connect = (url, apiKey = key) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: `${url}/gemini` } });
const client = connect(quick);
const patient = connect(slow);
const model = 'gemini-3.5-flash';
const embedder = 'gemini-embedding-001';

const contents = (prompt) => [{ role: 'user', parts: [{ text: prompt }] }];
const line = (name, request) => JSON.stringify({ key: name, request }) + '\n';
const inlined = (name, prompt) => ({ contents: contents(prompt), metadata: { key: name } });
const ten = Array.from({ length: 10 }, (_, i) => inlined(`row-${i}`, 'a slow one'));

const terminal = ['JOB_STATE_SUCCEEDED', 'JOB_STATE_FAILED', 'JOB_STATE_CANCELLED', 'JOB_STATE_EXPIRED', 'JOB_STATE_PARTIALLY_SUCCEEDED'];
const ended = (from, name) =>
  until(async () => {
    const batch = await from.batches.get({ name });
    return terminal.includes(batch.state) && batch;
  });
const rejects = (promise, status) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof ApiError, `${error}`);
    assert.equal(error.status, status, error.message);
    return true;
  });
const upload = (from, text) =>
  from.files.upload({
    file: new Blob([text], { type: 'application/jsonl' }),
    config: { displayName: 'interop', mimeType: 'application/jsonl' },
  });
const download = async (from, file) => {
  const dir = await mkdtemp(join(tmpdir(), 'interop-'));
  try {
    const path = join(dir, 'results');
    await from.files.download({ file, downloadPath: path });
    return await until(() => readFile(path, 'utf8').catch(() => ''));
  } finally {
    await rm(dir, { recursive: true });
  }
};

const input = line('row-a', { contents: contents('I was charged twice') }) + line('row-b', { contents: contents('Please [[500]] here') });
const file = await step('upload a file', async () => {
  const file = await upload(client, input);
  assert.match(file.name, /^files\//);
  assert.equal(file.displayName, 'interop');
  assert.equal(file.state, 'ACTIVE');
  assert.equal(Number(file.sizeBytes), input.length);
  return file;
});

const created = await step('create a batch of the file', async () => {
  const batch = await client.batches.create({ model, src: { fileName: file.name }, config: { displayName: 'interop' } });
  assert.match(batch.name, /^batches\//);
  assert.equal(batch.displayName, 'interop');
  assert.ok(['JOB_STATE_PENDING', 'JOB_STATE_RUNNING'].includes(batch.state), batch.state);
  return batch;
});

await step('poll it to its end, and download the results', async () => {
  const batch = await ended(client, created.name);
  assert.equal(batch.state, 'JOB_STATE_SUCCEEDED');
  const rows = by(jsonl(await download(client, batch.dest.fileName)), 'key');
  assert.deepEqual([...rows.keys()].sort(), ['row-a', 'row-b']);
  const { candidates, usageMetadata } = rows.get('row-a').response;
  assert.equal(candidates[0].content.parts[0].text, 'billing: I was charged twice');
  assert.equal(candidates[0].finishReason, 'STOP');
  assert.ok(usageMetadata.totalTokenCount > 0);
  assert.equal(rows.get('row-b').error.code, 13);
});

await step('create a batch inline, and read its results in order', async () => {
  const { name } = await client.batches.create({
    model,
    src: { inlinedRequests: [inlined('row-a', 'I was charged twice'), inlined('row-b', 'Please [[500]] here')] },
    config: { displayName: 'interop' },
  });
  const batch = await ended(client, name);
  assert.equal(batch.state, 'JOB_STATE_SUCCEEDED');
  const [first, second, ...more] = batch.dest.inlinedResponses;
  assert.equal(more.length, 0);
  assert.equal(first.response.candidates[0].content.parts[0].text, 'billing: I was charged twice');
  assert.equal(first.metadata.key, 'row-a');
  assert.equal(second.error.code, 13);
});

await step('embed inline', async () => {
  const { name } = await client.batches.createEmbeddings({
    model: embedder,
    src: { inlinedRequests: { contents: [...contents('one'), ...contents('two')], config: { outputDimensionality: 8 } } },
    config: { displayName: 'interop' },
  });
  const batch = await ended(client, name);
  assert.equal(batch.state, 'JOB_STATE_SUCCEEDED');
  const vectors = batch.dest.inlinedEmbedContentResponses.map(({ response }) => response.embedding.values);
  assert.deepEqual(vectors.map((v) => v.length), [8, 8]);
  assert.notDeepEqual(vectors[0], vectors[1]);
});

await step('embed a file', async () => {
  const source = await upload(client, line('row-a', { content: contents('one')[0], outputDimensionality: 8 }));
  const { name } = await client.batches.createEmbeddings({
    model: embedder, src: { fileName: source.name }, config: { displayName: 'interop' },
  });
  const batch = await ended(client, name);
  const [row] = jsonl(await download(client, batch.dest.fileName));
  assert.equal(row.response.embedding.values.length, 8);
});

await step('cancel a batch', async () => {
  const { name } = await patient.batches.create({ model, src: { inlinedRequests: ten }, config: { displayName: 'interop' } });
  await advance(12);
  await patient.batches.cancel({ name });
  const batch = await ended(patient, name);
  assert.equal(batch.state, 'JOB_STATE_CANCELLED');
  const rows = batch.dest.inlinedResponses;
  assert.equal(rows.length, ten.length);
  assert.ok(rows.some(({ response }) => response));
  assert.ok(rows.some(({ error }) => error?.code === 1));
});

await step('see a batch expire', async () => {
  const { name } = await patient.batches.create({ model, src: { inlinedRequests: ten }, config: { displayName: 'interop' } });
  await advance(49);
  const batch = await ended(patient, name);
  assert.equal(batch.state, 'JOB_STATE_EXPIRED');
  assert.equal(batch.dest?.inlinedResponses, undefined);
});

await step('list batches page by page', async () => {
  const names = (await all(await client.batches.list({ config: { pageSize: 2 } }))).map(({ name }) => name);
  assert.equal(names.length, 4);
  assert.equal(new Set(names).size, 4);
  assert.ok(names.includes(created.name));
});

await step('delete a batch', async () => {
  await client.batches.delete({ name: created.name });
  await rejects(client.batches.get({ name: created.name }), 404);
});

await step('get, list and delete files', async () => {
  assert.equal((await client.files.get({ name: file.name })).name, file.name);
  const names = (await all(await client.files.list({ config: { pageSize: 1 } }))).map(({ name }) => name);
  assert.equal(names.length, 2);
  await client.files.delete({ name: file.name });
  await rejects(client.files.get({ name: file.name }), 403);
});

await step('ask live', async () => {
  const answer = await client.models.generateContent({ model, contents: 'I was charged twice' });
  assert.equal(answer.text, 'billing: I was charged twice');
  const { embeddings } = await client.models.embedContent({ model: embedder, contents: 'one' });
  assert.ok(embeddings[0].values.length > 0);
  assert.ok((await client.models.countTokens({ model, contents: 'hello' })).totalTokens > 0);
});

await step('get an answer that follows a schema', async () => {
  for (const config of [
    { responseJsonSchema: { type: 'object', properties: { x: { type: 'string' } }, required: ['x'] } },
    { responseSchema: { type: 'OBJECT', properties: { x: { type: 'STRING' } }, required: ['x'] } },
  ]) {
    const answer = await client.models.generateContent({ model, contents: 'hello', config: { responseMimeType: 'application/json', ...config } });
    assert.equal(typeof JSON.parse(answer.text).x, 'string');
  }
});

await step('be refused', async () => {
  await rejects(client.batches.get({ name: 'batches/none' }), 404);
  await rejects(client.batches.create({ model, src: { fileName: 'files/none' } }), 403);
  await rejects(client.models.generateContent({ model, contents: 'hello', config: { responseJsonSchema: { type: 'object' } } }), 400);
});

await step('see nothing with another key, and get nowhere with a wrong one', async () => {
  const { name } = await client.batches.create({ model, src: { inlinedRequests: [inlined('row-a', 'x')] } });
  const other = connect(quick, 'sk-other');
  await rejects(other.batches.get({ name }), 404);
  assert.equal((await all(await other.batches.list())).length, 0);
  await rejects(connect(quick, 'sk-wrong').batches.get({ name }), 400);
});
