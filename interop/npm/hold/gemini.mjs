import { GoogleGenAI } from '@google/genai';
import { all, calls, key, refused } from './lib.mjs';

const client = new GoogleGenAI({ apiKey: key });
const model = 'gemini-3-flash';
const ask = async (contents) => (await client.models.generateContent({ model, contents })).text;

await Promise.all([
  all('contents', ask),
  all('streamed contents', async (contents) => {
    let said = '';
    for await (const chunk of await client.models.generateContentStream({ model, contents })) said += chunk.text ?? '';
    return said;
  }),
  refused(ask),
]);
console.log(`rows ${2 * calls + 1}`);
