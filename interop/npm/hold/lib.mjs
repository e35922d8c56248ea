// What the scripts share that call a provider through baler serve.
import assert from 'node:assert/strict';

export const key = 'sk-interop';
export const calls = Number(process.env.HOLD_CALLS);

// patience is how long a call waits by itself. Where batches take longer, only
// what the proxy does lets it through.
export const patience = Number(process.env.HOLD_PATIENCE) * 1000;

// all makes the calls at once. Each answer has to be that of its call.
export const all = async (name, ask) => {
  const texts = Array.from({ length: calls }, (_, n) => `${name} ticket ${n}`);
  const answers = await Promise.all(texts.map(ask));
  answers.forEach((answer, n) => assert.equal(answer, `general: ${texts[n]}`));
  console.log(`ok   ${calls} ${name}`);
};

// refused makes a call that the provider refuses. A client whose answer has to
// begin earlier sees its connection break, and gets the error of the same call
// then: breaks says so.
export const refused = async (ask, { status = (e) => e.status, breaks = false } = {}) => {
  const call = () => ask('[[400]]');
  const refuses = (e) => status(e) === 400;
  if (breaks) await assert.rejects(call(), (e) => refuses(e) || e.message === 'terminated');
  await assert.rejects(call(), refuses);
  console.log('ok   a refused call');
};
