import Groq from 'groq-sdk';
import { all, calls, key, patience, refused } from './lib.mjs';

const client = new Groq({ apiKey: key });
const options = { timeout: patience }; // of a call: it is sent with it
const ask = (text) => ({ model: 'gpt-4.1-mini', messages: [{ role: 'user', content: text }] });
const chat = async (text) => (await client.chat.completions.create(ask(text), options)).choices[0].message.content;

await Promise.all([
  all('chats', chat),
  all('streamed chats', async (text) => {
    let said = '';
    for await (const chunk of await client.chat.completions.create({ ...ask(text), stream: true }, options)) {
      said += chunk.choices[0]?.delta?.content ?? '';
    }
    return said;
  }),
  refused(chat, { breaks: true }),
]);
console.log(`rows ${2 * calls + 1}`);
