// What the scripts of all providers need: steps, the two simulators, and their
// clock. A script exits with 1 at the first thing that is not as expected.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

export const quick = process.env.SIMULATOR_URL; // ends a batch within a second
export const slow = process.env.SLOW_SIMULATOR_URL; // needs 60 hours of its own clock
export const key = 'sk-interop';

export const step = async (name, run) => {
  const result = await run();
  console.log(`ok   ${name}`);
  return result;
};

// until polls until there is something to return.
export const until = async (poll) => {
  for (;;) {
    const found = await poll();
    if (found) return found;
    await sleep(20);
  }
};

// advance moves the clock of the slow simulator, once each batch runs. One that
// is still validated would begin after the hours that have passed.
export const advance = async (hours) => {
  await until(async () => !(await (await fetch(`${slow}/_simulator/batches`)).text()).includes('"status":"validating"'));
  const reply = await fetch(`${slow}/_simulator/clock`, {
    method: 'POST',
    body: JSON.stringify({ advance: hours * 3_600_000_000_000 }),
  });
  assert.equal(reply.status, 204);
};

export const all = async (pages) => {
  const found = [];
  for await (const one of pages) found.push(one);
  return found;
};

export const jsonl = (text) => {
  assert.ok(text.endsWith('\n'), 'the last line ends');
  return text.trimEnd().split('\n').map((line) => JSON.parse(line));
};

export const by = (rows, id) => new Map(rows.map((row) => [row[id], row]));
