// Package price is what models cost: exact amounts of money, a table of prices,
// and the cost of an answer by its usage.
//
// A price depends on the lane that a request takes, live or in a batch, and for
// some models on the length of its input. [Listed] has the prices of OpenAI,
// Anthropic, Gemini and Mistral. [Read] reads others, in the same format or in
// that of LiteLLM's model_prices_and_context_window.json, and [Table.With] puts
// them over the listed ones. A model or lane without a price has none: nothing
// is guessed.
//
// The figures of Listed are public list prices as LiteLLM 1.110.2 gathered
// them (MIT). They leave out taxes, contracts, what is paid by the picture, the
// page or the second, and the storage of explicit caches.
package price
