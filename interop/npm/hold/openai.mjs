import OpenAI from 'openai';
import { all, calls, key, patience, refused } from './lib.mjs';

const client = new OpenAI({ apiKey: key, timeout: patience });
const messages = (text) => [{ role: 'user', content: text }];

const chat = async (text) =>
  (await client.chat.completions.create({ model: 'gpt-4.1-mini', messages: messages(text) })).choices[0].message.content;

await Promise.all([
  all('chats', chat),
  all('streamed chats', async (text) => {
    let said = '';
    for await (const chunk of await client.chat.completions.create({ model: 'gpt-4.1-mini', messages: messages(text), stream: true })) {
      said += chunk.choices[0]?.delta?.content ?? '';
    }
    return said;
  }),
  all('responses', async (text) => (await client.responses.create({ model: 'gpt-4.1-mini', input: text })).output_text),
  all('streamed responses', async (text) => {
    const stream = client.responses.stream({ model: 'gpt-4.1-mini', input: text });
    return (await stream.finalResponse()).output_text;
  }),
  refused(chat),
]);
// One that repeats its calls gets the same answers.
const impatient = new OpenAI({ apiKey: key, timeout: 200, maxRetries: 50 });
await all('impatient chats', async (text) =>
  (await impatient.chat.completions.create({ model: 'gpt-4.1-mini', messages: messages(text) })).choices[0].message.content);
await client.batches.list(); // passes through
console.log(`rows ${5 * calls + 1}`);
