// A program whose proxy is killed while calls are held. The lines that say
// restart, kill and start are orders for who runs the proxy.
import assert from 'node:assert/strict';
import OpenAI, { APIConnectionError } from 'openai';
import { setTimeout as sleep } from 'node:timers/promises';
import { all, calls, key, patience } from '../hold/lib.mjs';

const usual = new OpenAI({ apiKey: key, timeout: patience });
const patient = usual.withOptions({ maxRetries: 20 });
const body = (text) => ({ model: 'gpt-4.1-mini', messages: [{ role: 'user', content: text }] });
const asks = (client) => async (text) => (await client.chat.completions.create(body(text))).choices[0].message.content;

const streamed = async (text) => {
  let said = '';
  for await (const chunk of await usual.chat.completions.create({ ...body(text), stream: true })) {
    said += chunk.choices[0]?.delta?.content ?? '';
  }
  return said;
};

// failing makes calls that fail, in time, unless they were answered before, and
// returns with what.
const failing = async (name, ask) => {
  const began = Date.now();
  const texts = Array.from({ length: calls }, (_, n) => `${name} ticket ${n}`);
  const results = await Promise.allSettled(texts.map(ask));
  assert.ok(Date.now() - began < patience);
  const errors = results.filter((r) => r.reason).map((r) => r.reason);
  assert.ok(errors.length > 0 && errors.every((e) => e instanceof Error), String(errors));
  results.forEach((r, n) => assert.ok(r.reason || r.value === `general: ${texts[n]}`, r.value));
  console.log(`ok   ${errors.length} of ${calls} ${name} fail: ${[...new Set(errors.map((e) => e.constructor.name))]}`);
  return errors;
};

// again makes the calls until the proxy is there again.
const again = async (name, ask) => {
  for (;;) {
    try {
      await ask(`${name} ticket 0`);
      break;
    } catch (e) {
      assert.ok(e instanceof APIConnectionError, e);
      await sleep(100);
    }
  }
  await all(name, ask);
};

console.log('restart once bought');
await all('bought chats', asks(patient));
console.log('restart');
await all('unknown chats', asks(patient));
console.log('kill once bought');
const [errors] = await Promise.all([failing('chats', asks(usual)), failing('streamed chats', streamed)]);
assert.ok(errors.every((e) => e instanceof APIConnectionError), String(errors));
console.log('start');
await Promise.all([again('chats', asks(usual)), again('streamed chats', streamed)]);
console.log(`rows ${4 * calls}`);
