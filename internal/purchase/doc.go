// Package purchase has the rules by which batches are bought, beside the
// protocol of package intent: how often a batch is polled, what an unanswered
// creation means, which batch of a list may be an intent's, and when results
// count as complete. The stage of package sink and the job of package
// flow/durable both follow them.
package purchase
