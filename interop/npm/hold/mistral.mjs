import { Mistral } from '@mistralai/mistralai';
import { all, calls, key, patience, refused } from './lib.mjs';

// It reads no variable for the address: the proxy's is that of the line "mistral=".
const client = new Mistral({ apiKey: key, serverURL: process.env.mistral, timeoutMs: patience });
const ask = (text) => ({ model: 'mistral-small-latest', messages: [{ role: 'user', content: text }] });
const chat = async (text) => (await client.chat.complete(ask(text))).choices[0].message.content;

await Promise.all([
  all('chats', chat),
  all('streamed chats', async (text) => {
    let said = '';
    for await (const event of await client.chat.stream(ask(text))) said += event.data.choices[0]?.delta?.content ?? '';
    return said;
  }),
  refused(chat, { status: (e) => e.statusCode }),
]);
console.log(`rows ${2 * calls + 1}`);
