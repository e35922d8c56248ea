// Package batchapi serves the batch protocols of OpenAI and of Anthropic in
// front of any provider. A program that was written for one of them keeps its
// code and gets durable runs: its batches are split as the provider needs it,
// wait for room, are retried, and survive a restart.
//
//	dir, err := durable.Open("batches.state")
//	...
//	batches, err := batchapi.New(batchapi.Config{Dir: dir, Connect: connect})
//	...
//	defer batches.Close()
//	server := &http.Server{Addr: "127.0.0.1:4747", Handler: batches, ReadHeaderTimeout: time.Minute}
//	return server.ListenAndServe()
//
// It answers /v1/files, /v1/batches and /v1/messages/batches, as their
// providers do. Each batch is a run of the Dir, whose name begins with "batch-",
// so that what it cost and how it went is where that of other runs is.
//
// # Who answers
//
// Config.Connect decides, by the caller: the caller's own account, or routes to
// models of any provider. A request goes to a route as a chat. One that is
// none, or that has a member with no place in a chat, is an error of its line,
// unless it names the model of a route to the provider in whose format it is;
// nothing of an OpenAI batch with such an error is bought. Embeddings of
// OpenAI's protocol may also name the model of a first route to Mistral. The
// answer of another provider comes back in the words of the protocol. Its model
// is the one that answered; of its citations and of all but the last of several
// choices there is nothing. An answer of the protocol's own provider comes back
// as it is.
//
// A Connect that needs no key serves whoever reaches the Server, with its own
// account. Pages of other sites are refused that make a browser call it. Those
// whose name leads to the Server's address are not: check the Host of calls, or
// ask for a secret.
//
// # What is kept
//
// Uploads, batches and results are files below the Dir. Keys are not: callers
// are told apart by a digest of their key, and see only what is theirs. So a
// caller who changes the key sees nothing of what the old one made: collect its
// batches before. An unfinished batch goes on with New if its caller had no key
// or Config.Keyless is set, and otherwise once its caller asks for anything.
//
// A batch ends after 24 hours. One whose run cannot be continued then, for
// example because its route is gone, is tried for another hour and given up:
// what has an answer keeps it, and the rest has expired. A batch that is
// cancelled is given up after an hour. What such a batch has open at a provider
// is cancelled there as soon as its run can be continued: those batches hold no
// requests of others. That of a caller who does not come back
// is given up once it could not go on for Config.Keep.
package batchapi
