// Package live runs batches at a provider's synchronous endpoint. Each row is a
// call of its own, at the synchronous price.
//
// It serves servers without batches (vLLM, SGLang, Ollama), remainders that are
// too small for a batch, and rows that are urgent. To its callers it is a
// sink.Provider like any other:
//
//	client, err := openai.New(key, openai.Config{BaseURL: "http://127.0.0.1:8000/v1"})
//	...
//	provider, err := live.New(client, live.Config{
//		Dir:    "state/live",
//		Rate:   ratelimit.Config{Requests: 600, InputTokens: 600_000, Slots: 32},
//		Repeat: true, // asking again is free at a server of one's own
//	})
//	...
//	defer provider.Close()
//
// # What is on disk
//
// A batch is a directory below Config.Dir that is named after its tag. It has
// the rows, and a log of the calls. A row is noted in the log before its call
// goes out, and again with its answer. Calls that are noted at the same time
// share one sync. So a row that was answered is never asked again, whenever the
// process ends. A batch that was interrupted goes on when it is first asked
// about: by Status, Results, Find or Create.
//
// A row whose call was under way when the process ended may have been answered
// and paid for. It fails with the class retry.Ambiguous and the code
// CodeUnclear, unless Config.Repeat or Config.KeyHeader says that asking again
// does no harm.
//
// When the disk fails, no more calls are made whose answers could not be noted.
// Those that are under way then are unclear after a restart.
package live
