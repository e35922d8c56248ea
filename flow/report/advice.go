package report

import (
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/durable"
)

// advise returns what the figures suggest, the most urgent first.
func (r *Report) advise() []string {
	var out []string
	say := func(when bool, format string, args ...any) {
		if when {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	say(r.Waste.Input+r.Waste.Output > 0, "%d tokens were paid twice: the answer to a purchase was lost, and its batch appeared later than the grace period. A longer grace period (--grace) makes that rarer.", r.Waste.Input+r.Waste.Output)
	say(r.Resent > 0, "%s sent again by decision, and may have been paid for twice, which the provider's bill shows.", counted(r.Resent, "row was", "rows were"))
	r.adviseOnFailures(say)
	say(r.Open.Rows > 0 && r.State == string(durable.StateStopped), "%s no result yet. The same command goes on.", counted(r.Open.Rows, "row has", "rows have"))
	say(r.Late > 0, "%s after the deadline of its row. A live route with the option within takes such rows in time.", counted(r.Late, "result came", "results came"))
	say(r.Batches.Refused > 0 && r.Batches.Refused*5 >= r.Batches.Bought, "The provider refused batches %s, for %d that it took. Tell the account's limits with --enqueued-tokens or --enqueued-rows, so that batches wait for room instead.", counted(r.Batches.Refused, "time", "times"), r.Batches.Bought)
	say(r.Batches.Bought >= 10 && r.Batches.Rows < 100, "Batches had %.0f rows on average. Larger ones (--batch-size, --max-wait) need fewer calls, and no more time.", r.Batches.Rows)
	say(r.Latency.Batches >= 5 && r.Latency.P90 > 4*r.Latency.P50 && r.Latency.P90 > time.Hour.Seconds(), "One batch in ten took %s or longer, and half of them %s. Smaller batches show their results sooner when some are slow.", duration(r.Latency.P90), duration(r.Latency.P50))
	return out
}

// adviseOnFailures says something if many rows failed.
func (r *Report) adviseOnFailures(say func(when bool, format string, args ...any)) {
	settled := r.Succeeded.Rows + r.Failed.Rows
	share := percent(r.Failed.Rows, settled)
	say(share > 20, "%.0f %% of the settled rows failed. Look at the examples below before more are bought; baler retry sends the failed ones again.", share)
	for _, f := range r.Failures {
		if text, ok := failureAdvice[f.Code]; ok && percent(f.Rows.Rows, settled) > 1 {
			say(true, "%s failed with %s. %s", counted(f.Rows.Rows, "row", "rows"), f.Code, text)
		}
	}
}

// failureAdvice is what helps against codes that every provider has.
var failureAdvice = map[string]string{
	"max_tokens":     "Their answers were cut: allow longer ones with --max-tokens.",
	"invalid_answer": "Their answers failed the check. A clearer prompt, or another model for them (--fallback), may help.",
	"content_filter": "The provider's filter stopped the answers. Another route (--fallback) may answer them.",
	"refusal":        "The model refused to answer. Another route (--fallback) may answer them.",
	"batch_expired":  "The batches did not end in the provider's window. Fewer open batches, or another route, may help.",
}
