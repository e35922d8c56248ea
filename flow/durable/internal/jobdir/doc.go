// Package jobdir is what a job leaves on disk: the formats of its files and
// records, their readers and writers, and what they say of one another. It
// knows no engine and no provider.
//
// A job has a directory below the state directory, job-<hash of its name and
// epoch>:
//
//	journal.jsonl   Line: routes, where each batch stands, what was settled
//	requests/       the request log: items as they were read, with their requests
//	ready/          rows that wait, in a log for each priority (package ready)
//	manifests/<tag> manifest: the rows of a batch, in the order of the upload
//	results/<tag>   Outcome: what the provider answered to each row
//	answers/<tag>   which requests of the batch succeeded, for other jobs
//
// Every file begins with a Label that says whose it is. Each line of the
// journal is durable before the index, a state.Store, follows; the index has
// the records of Keys and can be made again from the files. Replayed is what a
// journal tells, History the same with all that was settled, and Verify
// compares it with the index.
package jobdir
