// Vercel's AI SDK, with two of its providers.
import { anthropic } from '@ai-sdk/anthropic';
import { openai } from '@ai-sdk/openai';
import { generateText, streamText } from 'ai';
import { Agent, setGlobalDispatcher } from 'undici';
import { all, calls, key, patience, refused } from './lib.mjs';

// It has no patience of its own but that of the runtime, five minutes.
setGlobalDispatcher(new Agent({ headersTimeout: patience, bodyTimeout: patience }));
process.env.OPENAI_API_KEY = process.env.ANTHROPIC_API_KEY = key;

const ask = (model) => async (prompt) => (await generateText({ model, prompt, maxOutputTokens: 100 })).text;
const streamed = (model) => async (prompt) => await streamText({ model, prompt, maxOutputTokens: 100 }).text;
const [response, chat, message] = [openai('gpt-4.1-mini'), openai.chat('gpt-4.1-mini'), anthropic('claude-haiku-5.5')];

await Promise.all([
  all('responses', ask(response)),
  all('streamed responses', streamed(response)),
  all('chats', ask(chat)),
  all('streamed chats', streamed(chat)),
  all('messages', ask(message)),
  all('streamed messages', streamed(message)),
  refused(ask(chat), { status: (e) => e.statusCode }),
  refused(ask(message), { status: (e) => e.statusCode }),
]);
console.log(`rows ${6 * calls + 2}`);
