// Package protocol is the seam between what all providers of the simulator
// share and the wire protocol that one of them speaks.
//
// A wire protocol is a package beside this one that implements [Protocol], as
// openai does. It owns the routes, the validation of an input, the objects that
// clients see, the format of rows and the grammar of errors. It knows the rest
// of the simulator only as a [Provider]: clock, accounts, records, execution,
// faults, limits and ledger are the same for all protocols.
//
// # Adding a protocol
//
// Write a package beside openai with a type that implements [Protocol], and add
// it to the table in protocols.go of the simulator under its name. The
// simulator then serves it under /NAME. The protocol knows nothing of that
// prefix: its routes begin where the provider's own paths begin.
//
// A handler asks for a session with the key of the request, and with the
// workspace if the provider has workspaces:
//
//	s, err := p.Session(r, key, r.Header.Get("anthropic-workspace-id"))
//
// The error is [ErrUnknownKey], or a [*RefusalError] because of a limit.
// AddBatch and Answer return a [*RefusalError] too. The protocol says a refusal
// in the provider's words, with the provider's headers, which it makes of
// [Session].Rates or of the rates in the refusal.
//
// A batch whose rows are in a file names it in [Batch].InputFile. A batch whose
// rows are in the request that creates it has a hidden file: the protocol reads
// the request with scan.Extract, passes the rows to [Session].ReceiveLines as
// they come, adds a [File] that is Hidden, and then the batch. It sets
// [Batch].Declared, so that limits on rows are judged at the creation. What it
// refuses in between, it discards, or deletes once it was added; what AddBatch
// refuses, AddBatch deletes.
//
// Results are in OutputFile and ErrorFile, whose ids the protocol chooses at
// the creation. Without an ErrorFile all rows are in OutputFile. The files are
// hidden if [Rows].ResultFile says so, for protocols that send results by the
// id of the batch: they find the file by its id. With [Batch].Ordered rows run
// and are written in the order of the input. What else a protocol has to know
// of a batch or a file it keeps as JSON in Data.
//
// Routes say their [RouteKind], so that tests can break the creations or the
// downloads of every provider without knowing it. A failure that the simulator
// makes up has a status, or 0, and no code: the protocol has one that suits it.
//
// A row that only turns out to be invalid when it runs has an Error when it is
// read. It is then not put to the model.
//
// A route for live calls parses the body as that of a row, calls
// [Session].Answer and writes the reply. A [Reply] has all that a model says,
// in words of no provider: the finish reasons are [FinishStop], [FinishLength]
// and [FinishFilter].
//
// Absolute URLs in a reply come from [Session].URL, so that they lead to the
// host and the prefix by which the request came, and those of results from
// [Session].ResultURL, which a test may send elsewhere. Times that follow from
// other times, such as when results are archived, are computed when the object
// is shown, from [Session].Now.
package protocol
