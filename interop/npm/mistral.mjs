// Drives the simulator with Mistral's client through the whole life of batch
// jobs, with files and inline.
import assert from 'node:assert/strict';
import { Mistral } from '@mistralai/mistralai';
import { HTTPValidationError, MistralError } from '@mistralai/mistralai/models/errors';
import { advance, by, jsonl, key, quick, slow, step, until } from './lib.mjs';

const connect = (url, apiKey = key) => new Mistral({ apiKey, serverURL: `${url}/mistral` });
const client = connect(quick);
const patient = connect(slow);
const model = 'mistral-small-latest';
const endpoint = '/v1/chat/completions';
const metadata = { run: 'first' };

const body = (prompt) => ({ messages: [{ role: 'user', content: prompt }] });
const line = (id, content) => JSON.stringify({ custom_id: id, body: content }) + '\n';
const inlined = (id, prompt) => ({ customId: id, body: body(prompt) });
const ten = Array.from({ length: 10 }, (_, i) => inlined(`row-${i}`, 'a slow one'));

const upload = (text, fileName = 'in.jsonl') =>
  client.files.upload({ purpose: 'batch', file: { fileName, content: new Blob([text], { type: 'application/jsonl' }) } });
const download = async (fileId) => new Response(await client.files.download({ fileId })).text();
const terminal = ['SUCCESS', 'FAILED', 'TIMEOUT_EXCEEDED', 'CANCELLED'];
const ended = (from, jobId, inline) =>
  until(async () => {
    const job = await from.batch.jobs.get({ jobId, inline });
    return terminal.includes(job.status) && job;
  });
// The type of an error is that of its first violation of the API's description,
// or else its own.
const rejects = (promise, status, type) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof MistralError, `${error}`);
    assert.equal(error.statusCode, status, error.body);
    const said = JSON.parse(error.body);
    assert.equal(said.detail?.[0]?.type ?? said.type ?? said.detail, type);
    return true;
  });

const input = line('row-a', body('I was charged twice')) + line('row-b', body('Please [[500]] here'));
const file = await step('upload a file', async () => {
  const file = await upload(input);
  assert.equal(file.object, 'file');
  assert.equal(file.filename, 'in.jsonl');
  assert.equal(file.purpose, 'batch');
  assert.equal(file.sampleType, 'batch_request');
  assert.equal(file.sizeBytes, input.length);
  assert.equal(file.numLines, 2);
  return file;
});

await step('read the file back', async () => {
  assert.equal((await client.files.retrieve({ fileId: file.id })).sizeBytes, input.length);
  assert.equal(await download(file.id), input);
});

const created = await step('create a job of the file', async () => {
  const job = await client.batch.jobs.create({ inputFiles: [file.id], model, endpoint, metadata, timeoutHours: 48 });
  assert.equal(job.object, 'batch');
  assert.ok(['QUEUED', 'RUNNING'].includes(job.status), job.status);
  assert.deepEqual(job.inputFiles, [file.id]);
  assert.deepEqual(job.metadata, metadata);
  assert.equal(job.model, model);
  assert.equal(job.totalRequests, 2);
  return job;
});

const job = await step('poll it to its end', async () => {
  const job = await ended(client, created.id);
  assert.equal(job.status, 'SUCCESS');
  assert.deepEqual([job.completedRequests, job.succeededRequests, job.failedRequests], [2, 1, 1]);
  assert.ok(job.completedAt >= job.startedAt);
  return job;
});

await step('download the output file', async () => {
  const [row, ...more] = jsonl(await download(job.outputFile));
  assert.equal(more.length, 0);
  assert.equal(row.custom_id, 'row-a');
  assert.equal(row.response.status_code, 200);
  assert.equal(row.response.body.choices[0].message.content, 'billing: I was charged twice');
  assert.ok(row.response.body.usage.total_tokens > 0);
});

await step('download the error file', async () => {
  const [row, ...more] = jsonl(await download(job.errorFile));
  assert.equal(more.length, 0);
  assert.equal(row.custom_id, 'row-b');
  assert.equal(row.response.status_code, 500);
  assert.equal(row.response.body.object, 'error');
});

await step('create a job inline, and read its results with it', async () => {
  const { id } = await client.batch.jobs.create({
    requests: [inlined('row-a', 'I was charged twice'), inlined('row-b', 'Please [[500]] here')], model, endpoint, metadata: { run: 'second' },
  });
  const job = await ended(client, id, true);
  assert.equal(job.status, 'SUCCESS');
  assert.deepEqual(job.inputFiles, []);
  const rows = by(job.outputs, 'custom_id');
  assert.deepEqual([...rows.keys()].sort(), ['row-a', 'row-b']);
  assert.equal(rows.get('row-a').response.body.choices[0].message.content, 'billing: I was charged twice');
});

await step('embed a file', async () => {
  const source = await upload(line('row-a', { input: ['one', 'two'] }));
  const { id } = await client.batch.jobs.create({ inputFiles: [source.id], model: 'mistral-embed', endpoint: '/v1/embeddings' });
  const job = await ended(client, id);
  assert.equal(job.status, 'SUCCESS');
  const [row] = jsonl(await download(job.outputFile));
  assert.equal(row.response.body.data.length, 2);
});

await step('see a job fail validation', async () => {
  const bad = await upload(line('row-a', body('x')) + line('row-a', body('y')));
  const { id } = await client.batch.jobs.create({ inputFiles: [bad.id], model, endpoint });
  const job = await ended(client, id);
  assert.equal(job.status, 'FAILED');
  assert.ok(job.errors[0].message && job.errors[0].count > 0);
});

await step('cancel a job', async () => {
  const { id } = await patient.batch.jobs.create({ requests: ten, model, endpoint, timeoutHours: 168 });
  await advance(12);
  const cancelled = await patient.batch.jobs.cancel({ jobId: id });
  assert.ok(['CANCELLATION_REQUESTED', 'CANCELLED'].includes(cancelled.status), cancelled.status);
  const job = await ended(patient, id, true);
  assert.equal(job.status, 'CANCELLED');
  assert.ok(job.succeededRequests > 0 && job.succeededRequests < ten.length);
  assert.equal(job.outputs.filter(({ response }) => response?.status_code === 200).length, job.succeededRequests);
});

await step('see a job exceed its timeout', async () => {
  const { id } = await patient.batch.jobs.create({ requests: ten, model, endpoint, timeoutHours: 24 });
  await advance(25);
  const job = await ended(patient, id, true);
  assert.equal(job.status, 'TIMEOUT_EXCEEDED');
  assert.ok(job.succeededRequests > 0 && job.succeededRequests < ten.length);
});

await step('be refused to cancel a job that has succeeded', () =>
  rejects(client.batch.jobs.cancel({ jobId: job.id }), 400, 'invalid_request_error'));

await step('list jobs page by page, newest first, and by their metadata', async () => {
  const list = (request) => client.batch.jobs.list(request);
  const first = await list({ pageSize: 2, orderBy: '-created' });
  assert.equal(first.data.length, 2);
  assert.equal(first.total, 4);
  const second = await list({ pageSize: 2, page: 1, orderBy: '-created' });
  assert.deepEqual(second.data.map(({ id }) => id).at(-1), created.id);
  assert.deepEqual((await list({ metadata })).data.map(({ id }) => id), [created.id]);
  assert.deepEqual((await list({ status: ['FAILED'] })).data.map(({ status }) => status), ['FAILED']);
});

await step('delete a job that has ended', async () => {
  const { id } = await patient.batch.jobs.create({ requests: ten, model, endpoint });
  await rejects(patient.batch.jobs.delete({ jobId: id }), 409, 'invalid_request_error');
  assert.equal((await client.batch.jobs.delete({ jobId: job.id })).deleted, true);
  await rejects(client.batch.jobs.get({ jobId: job.id }), 404, 'not_found');
});

await step('list and delete files', async () => {
  const { data, total } = await client.files.list({ purpose: 'batch', sampleType: ['batch_request'], pageSize: 2 });
  assert.equal(data.length, 2);
  assert.equal(total, 3);
  assert.equal((await client.files.delete({ fileId: file.id })).deleted, true);
  await rejects(client.files.retrieve({ fileId: file.id }), 404, 'not_found');
});

await step('ask live', async () => {
  const messages = [{ role: 'user', content: 'I was charged twice' }];
  const answer = await client.chat.complete({ model, messages });
  assert.equal(answer.choices[0].message.content, 'billing: I was charged twice');
  assert.equal(answer.choices[0].finishReason, 'stop');
  assert.ok(answer.usage.totalTokens > 0);
  const { data } = await client.embeddings.create({ model: 'mistral-embed', inputs: ['one', 'two'] });
  assert.deepEqual(data.map(({ index }) => index), [0, 1]);
  assert.notDeepEqual(data[0].embedding, data[1].embedding);
  const fim = await client.fim.complete({ model: 'codestral-latest', prompt: 'def f(' });
  assert.ok(fim.choices[0].message.content);
  const moderation = await client.classifiers.moderate({ model: 'mistral-moderation-latest', inputs: ['one'] });
  assert.equal(moderation.results.length, 1);
});

await step('get an answer that follows a schema', async () => {
  const schemaDefinition = { type: 'object', properties: { x: { type: 'string' } }, required: ['x'], additionalProperties: false };
  const answer = await client.chat.complete({
    model, messages: [{ role: 'user', content: 'hello' }],
    responseFormat: { type: 'json_schema', jsonSchema: { name: 'x', schemaDefinition, strict: true } },
  });
  assert.equal(typeof JSON.parse(answer.choices[0].message.content).x, 'string');
});

await step('be refused', async () => {
  await rejects(client.batch.jobs.get({ jobId: 'none' }), 422, 'uuid_parsing');
  await rejects(client.batch.jobs.create({ inputFiles: [file.id], model, endpoint }), 404, 'not_found');
  await rejects(client.batch.jobs.create({ requests: ten, endpoint }), 422, 'value_error');
  await rejects(client.batch.jobs.create({ requests: ten, model, endpoint, timeoutHours: 1000 }), 422, 'less_than_equal');
  await assert.rejects(client.chat.complete({ model: '', messages: [{ role: 'user', content: 'hello' }] }), (error) => {
    assert.ok(error instanceof HTTPValidationError, `${error}`);
    assert.deepEqual(error.detail[0].loc, ['body', 'model']);
    return true;
  });
});

await step('see nothing with another key, and get nowhere with a wrong one', async () => {
  const { id } = await client.batch.jobs.create({ requests: [inlined('row-a', 'x')], model, endpoint });
  const other = connect(quick, 'sk-other');
  await rejects(other.batch.jobs.get({ jobId: id }), 404, 'not_found');
  assert.equal((await other.batch.jobs.list()).data.length, 0);
  await rejects(connect(quick, 'sk-wrong').batch.jobs.list(), 401, 'Unauthorized');
});
