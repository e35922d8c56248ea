// Package durable runs a job whose every item is settled once, through crashes
// and restarts: it reads a source, keeps what it read, buys batches from a
// provider, polls them, and delivers one result for each item.
//
//	dir, err := durable.Open("tickets.state")
//	...
//	report, err := durable.Run(ctx, durable.Job[Ticket]{
//		Name:     "tickets-2026-11",
//		Source:   source.JSONL[Ticket]("tickets.jsonl"),
//		Key:      Ticket.Key,
//		Prompt:   Ticket.Prompt,
//		Provider: client,
//		Model:    "gpt-5.4-mini",
//		Dir:      dir,
//		Output:   durable.Each(save),
//	})
//
// Run may be interrupted at any point, by a signal or by a power failure. Run
// again with the same job and directory, it goes on; once finished, it returns
// at once.
//
// # Control
//
// A run has a name, by which it can be reached from the process that began it
// with Start, or with Dir.Attach from any other on the machine:
//
//   - Status reports the progress, and Wait waits for the end. A run whose
//     process has died is StateStopped, not StateRunning.
//   - Pause buys nothing new until Resume. What was bought goes on.
//   - Cancel is for good: nothing more is bought, open batches are cancelled at
//     the provider, and what ran is settled and delivered. The items without a
//     result are counted; each Run from then on returns a *CancelledError.
//   - Job.TimeLimit cancels the run by itself.
//   - The end of Run's ctx detaches: batches go on at the provider, and the next
//     Run settles them.
//
// A request to a run is durable. The process that runs it applies the request,
// or else the next one does. Once Pause or Cancel has returned nil, nothing is
// bought.
//
// # What is promised
//
// An item that was read survives a failure of the process, the OS or the power.
// Each item gets exactly one recorded outcome. It may reach the provider more
// than once only if a batch whose creation was never answered becomes visible
// later than Job.Grace, or by Job.AmbiguousCreate; Report.Surplus counts such
// batches. Results are delivered at least once under a stable key; those
// written by Lines, exactly once.
//
// # How it works
//
// An item is ingested: its request goes to a segment file, its entry to the
// ready log, which is a file too, and a record by which a repetition is
// recognized to the store. A round takes ready entries in order of priority,
// chooses the route of each, accumulates them by route, and seals each batch: its
// list of rows becomes a file, which claims them. Items that ask the same as
// another wait for its answer. The rows are encoded when the batch is uploaded. Then the batch is bought by the
// protocol of internal/intent, one goroutine per batch. When it has ended, its
// results are fetched to a file and settled in chunks: delivered, then recorded
// in one commit. Rows to retry go back to the ready log.
//
// # Afterwards
//
// Package archive reads the results of a job again, also while it runs, exports
// its requests and raw answers, and frees the disk space of jobs that have
// ended. Other jobs of the Dir take answers from them (Job.Cache). Package
// doctor examines and repairs a state directory.
//
// If the directory was lost, Ingest and then Dir.Adopt give a new run the
// answers that were already bought.
package durable
