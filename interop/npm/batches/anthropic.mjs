// A program for Anthropic's batches, unchanged, whose route is OpenAI's.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { setTimeout as sleep } from 'node:timers/promises';

const client = new Anthropic({ apiKey: 'sk-interop' });
const rows = Number(process.env.BATCH_ROWS);
const request = (n, text) => ({
  custom_id: `row-${n}`,
  params: { model: 'claude-haiku-5.5', max_tokens: 100, messages: [{ role: 'user', content: text }] },
});

const made = await client.messages.batches.create({
  requests: [...Array.from({ length: rows }, (_, n) => request(n, `ticket ${n}`)), request('bad', '[[400]]')],
});
assert.equal(made.processing_status, 'in_progress');
assert.equal(made.request_counts.processing, rows + 1);
console.log('ok   create a batch');

let batch = made;
while (batch.processing_status !== 'ended') {
  await sleep(100);
  batch = await client.messages.batches.retrieve(made.id);
}
assert.deepEqual(batch.request_counts, { processing: 0, succeeded: rows, errored: 1, canceled: 0, expired: 0 });
console.log('ok   poll it');

let seen = 0;
for await (const { custom_id, result } of await client.messages.batches.results(made.id)) {
  seen++;
  if (custom_id === 'row-bad') {
    assert.equal(result.type, 'errored');
    assert.equal(result.error.error.type, 'invalid_request_error');
    continue;
  }
  assert.equal(result.message.content[0].text, `general: ticket ${custom_id.slice(4)}`);
  assert.equal(result.message.stop_reason, 'end_turn');
}
assert.equal(seen, rows + 1);
console.log('ok   read its results');

await assert.rejects(client.messages.batches.create({ requests: [request('a b', 'x')] }), (e) => e.status === 400);
await client.messages.batches.delete(made.id);
await assert.rejects(client.messages.batches.retrieve(made.id), (e) => e.status === 404);
console.log('ok   refuse a name, delete a batch');
console.log(`rows ${rows + 1}`);
