import Anthropic from '@anthropic-ai/sdk';
import { all, calls, key, patience, refused } from './lib.mjs';

const client = new Anthropic({ apiKey: key, timeout: patience });
const ask = (text) => ({ model: 'claude-haiku-5.5', max_tokens: 100, messages: [{ role: 'user', content: text }] });
const message = async (text) => (await client.messages.create(ask(text))).content[0].text;

await Promise.all([
  all('messages', message),
  all('streamed messages', async (text) => await client.messages.stream(ask(text)).finalText()),
  refused(message, { breaks: true }),
]);
console.log(`rows ${2 * calls + 1}`);
