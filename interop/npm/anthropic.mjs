// Drives the simulator with Anthropic's client through a batch's whole life.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { advance, all, by, key, quick, slow, step, until } from './lib.mjs';

const connect = (url, options = {}) =>
  new Anthropic({ apiKey: key, baseURL: `${url}/anthropic`, maxRetries: 0, ...options });
const client = connect(quick);
const patient = connect(slow);
// One that speaks the older version, which has the key in a header of its own.
const older = (url) =>
  connect(url, { apiKey: null, defaultHeaders: { 'anthropic-version': '2023-06-01', 'x-api-key': key, authorization: null } });

const ask = (prompt, options = {}) => ({
  model: 'claude-haiku-5-5', max_tokens: 64, messages: [{ role: 'user', content: prompt }], ...options,
});
const row = (id, prompt, options) => ({ custom_id: id, params: ask(prompt, options) });
const ten = Array.from({ length: 10 }, (_, i) => row(`row-${i}`, 'a slow one'));

const ended = (from, id) =>
  until(async () => {
    const batch = await from.messages.batches.retrieve(id);
    return batch.processing_status === 'ended' && batch;
  });
const results = async (from, id) => by(await all(await from.messages.batches.results(id)), 'custom_id');
const rejects = (promise, kind, status, type) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof kind, `${error}`);
    assert.equal(error.status, status);
    assert.equal(error.error.error.type, type);
    assert.ok(error.requestID, 'the error has a request id');
    return true;
  });

const created = await step('create a batch', async () => {
  const batch = await client.messages.batches.create({ requests: [row('row-a', 'I was charged twice'), row('row-b', 'Please [[500]] here')] });
  assert.equal(batch.type, 'message_batch');
  assert.equal(batch.processing_status, 'in_progress');
  assert.equal(batch.request_counts.processing, 2);
  assert.equal(batch.results_url, null);
  assert.equal(Date.parse(batch.expires_at) - Date.parse(batch.created_at), 24 * 60 * 60 * 1000);
  return batch;
});

await step('poll it to its end', async () => {
  const batch = await ended(client, created.id);
  assert.deepEqual(batch.request_counts, { processing: 0, succeeded: 1, errored: 1, canceled: 0, expired: 0 });
  assert.ok(batch.results_url.startsWith(quick), 'the results are at an absolute URL');
  assert.ok(batch.ended_at);
});

await step('follow the URL of the results', async () => {
  const rows = await results(client, created.id);
  assert.deepEqual([...rows.keys()].sort(), ['row-a', 'row-b']);
  const { type, message } = rows.get('row-a').result;
  assert.equal(type, 'succeeded');
  assert.equal(message.content[0].text, 'billing: I was charged twice');
  assert.equal(message.stop_reason, 'end_turn');
  assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0);
  const failed = rows.get('row-b').result;
  assert.equal(failed.type, 'errored');
  assert.equal(failed.error.error.type, 'api_error');
  assert.ok(failed.error.request_id);
});

await step('see rows refused that sample, and take them in the older version', async () => {
  const requests = [row('row-a', 'hello', { temperature: 0.5 })];
  const newer = await client.messages.batches.create({ requests });
  await ended(client, newer.id);
  const { result } = (await results(client, newer.id)).get('row-a');
  assert.equal(result.error.error.type, 'invalid_request_error');
  const old = await older(quick).messages.batches.create({ requests });
  await ended(older(quick), old.id);
  assert.equal((await results(older(quick), old.id)).get('row-a').result.message.content[0].text, 'general: hello');
});

await step('cancel a batch', async () => {
  const batch = await patient.messages.batches.create({ requests: ten });
  await advance(12);
  const canceling = await patient.messages.batches.cancel(batch.id);
  assert.ok(['canceling', 'ended'].includes(canceling.processing_status));
  assert.ok(canceling.cancel_initiated_at);
  const { request_counts: counts } = await ended(patient, batch.id);
  const types = [...(await results(patient, batch.id)).values()].map(({ result }) => result.type);
  assert.ok(counts.succeeded > 0 && counts.canceled > 0);
  for (const type of ['succeeded', 'canceled']) assert.equal(types.filter((t) => t === type).length, counts[type]);
});

await step('see a batch expire', async () => {
  const batch = await patient.messages.batches.create({ requests: ten });
  await rejects(patient.messages.batches.delete(batch.id), Anthropic.ConflictError, 409, 'conflict_error');
  await assert.rejects(patient.messages.batches.results(batch.id), Anthropic.AnthropicError);
  await advance(25);
  const { request_counts: counts } = await ended(patient, batch.id);
  assert.ok(counts.succeeded > 0 && counts.expired > 0);
  const types = [...(await results(patient, batch.id)).values()].map(({ result }) => result.type);
  assert.equal(types.filter((t) => t === 'expired').length, counts.expired);
});

await step('list batches page by page, newest first', async () => {
  const page = await client.messages.batches.list({ limit: 2 });
  assert.equal(page.data.length, 2);
  assert.equal(page.has_more, true);
  const ids = (await all(client.messages.batches.list({ limit: 2 }))).map(({ id }) => id);
  assert.equal(ids.length, 3);
  assert.equal(ids[2], created.id);
});

await step('list, delete and cancel in the older version', async () => {
  const ids = (await all(older(quick).messages.batches.list({ limit: 1 }))).map(({ id }) => id);
  assert.equal(ids.length, 3);
  await older(quick).messages.batches.delete(ids[0]);
  const { id } = await older(slow).messages.batches.create({ requests: ten });
  await older(slow).messages.batches.cancel(id);
  await ended(older(slow), id);
});

await step('delete a batch', async () => {
  const { type } = await client.messages.batches.delete(created.id);
  assert.equal(type, 'message_batch_deleted');
  await rejects(client.messages.batches.retrieve(created.id), Anthropic.NotFoundError, 404, 'not_found_error');
});

await step('ask live', async () => {
  const message = await client.messages.create(ask('I was charged twice'));
  assert.equal(message.content[0].text, 'billing: I was charged twice');
  assert.equal((await older(quick).messages.create(ask('hello', { temperature: 1 }))).type, 'message');
  assert.ok((await client.messages.countTokens({ model: 'claude-haiku-5-5', messages: [{ role: 'user', content: 'hello' }] })).input_tokens > 0);
});

await step('get an answer that follows a schema', async () => {
  const schema = { type: 'object', properties: { x: { type: 'string' } }, required: ['x'], additionalProperties: false };
  const message = await client.messages.create(ask('hello', { output_config: { format: { type: 'json_schema', schema } } }));
  assert.equal(typeof JSON.parse(message.content[0].text).x, 'string');
});

await step('be refused', async () => {
  await rejects(client.messages.create(ask('hello', { temperature: 0.5 })), Anthropic.BadRequestError, 400, 'invalid_request_error');
  await rejects(client.messages.batches.create({ requests: [row('not an id', 'x')] }), Anthropic.BadRequestError, 400, 'invalid_request_error');
  await rejects(client.messages.batches.create({ requests: [row('a', 'x'), row('a', 'x')] }), Anthropic.BadRequestError, 400, 'invalid_request_error');
  await rejects(client.messages.batches.retrieve('msgbatch_none'), Anthropic.NotFoundError, 404, 'not_found_error');
});

await step('see nothing with another key, and get nowhere with a wrong one', async () => {
  const batch = await client.messages.batches.create({ requests: [row('row-a', 'x')] });
  const other = connect(quick, { apiKey: 'sk-other' });
  await rejects(other.messages.batches.retrieve(batch.id), Anthropic.NotFoundError, 404, 'not_found_error');
  assert.equal((await other.messages.batches.list()).data.length, 0);
  const wrong = connect(quick, { apiKey: 'sk-wrong' });
  await rejects(wrong.messages.batches.list(), Anthropic.AuthenticationError, 401, 'authentication_error');
});
