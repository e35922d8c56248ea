// A program for OpenAI's batches, unchanged, whose route is Anthropic's.
import assert from 'node:assert/strict';
import OpenAI, { toFile } from 'openai';
import { setTimeout as sleep } from 'node:timers/promises';

const client = new OpenAI({ apiKey: 'sk-interop' });
const rows = Number(process.env.BATCH_ROWS);
const row = (n, text) =>
  JSON.stringify({
    custom_id: `row-${n}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'gpt-4.1-mini', messages: [{ role: 'user', content: text }] },
  });

const make = async (lines) => {
  const file = await client.files.create({ purpose: 'batch', file: await toFile(Buffer.from(lines.join('\n') + '\n'), 'in.jsonl') });
  assert.equal(file.purpose, 'batch');
  return client.batches.create({ input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h', metadata: { run: 'r1' } });
};

const ended = async (id) => {
  for (;;) {
    const batch = await client.batches.retrieve(id);
    if (['completed', 'failed', 'expired', 'cancelled'].includes(batch.status)) return batch;
    await sleep(100);
  }
};

const lines = async (id) => (await (await client.files.content(id)).text()).trim().split('\n').map((line) => JSON.parse(line));

const made = await make([...Array.from({ length: rows }, (_, n) => row(n, `ticket ${n}`)), row('bad', '[[400]]')]);
assert.equal(made.status, 'validating');
console.log('ok   create a batch');

const batch = await ended(made.id);
assert.equal(batch.status, 'completed');
assert.deepEqual(batch.request_counts, { total: rows + 1, completed: rows, failed: 1 });
assert.equal(batch.metadata.run, 'r1');
console.log('ok   poll it');

for (const line of await lines(batch.output_file_id)) {
  assert.equal(line.response.status_code, 200);
  assert.equal(line.response.body.choices[0].message.content, `general: ticket ${line.custom_id.slice(4)}`);
  assert.equal(line.response.body.choices[0].finish_reason, 'stop');
  assert.ok(line.response.body.usage.total_tokens > 0);
}
const [bad] = await lines(batch.error_file_id);
assert.equal(bad.custom_id, 'row-bad');
assert.equal(bad.response.status_code, 400);
console.log('ok   read output and errors');

const wrong = await ended((await make(['{oops'])).id);
assert.equal(wrong.status, 'failed');
assert.equal(wrong.errors.data[0].code, 'invalid_json_line');
assert.equal(wrong.errors.data[0].line, 1);
console.log('ok   a bad file fails');

const late = await client.batches.cancel((await make([row('late', 'ticket')])).id);
assert.equal(late.status, 'cancelling');
assert.equal((await ended(late.id)).status, 'cancelled');
console.log('ok   cancel a batch');

const all = [];
for await (const one of client.batches.list({ limit: 2 })) all.push(one.id);
assert.equal(all.length, 3);
assert.equal(all[2], made.id);
await client.files.delete(batch.output_file_id);
await assert.rejects(client.files.retrieve(batch.output_file_id), (e) => e.status === 404 && e.requestID !== null);
console.log('ok   list batches, delete a file');
console.log(`rows ${rows + 1}`);
