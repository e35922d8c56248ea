package gemini

import (
	"cmp"
	"math"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/internal/loose"
	"github.com/balerhq/baler/sink/internal/wire"
)

// operation is as much of a batch as is used. It is a long-running operation,
// whose metadata are the batch itself.
type operation struct {
	name        string
	displayName string
	word        string // of the state, as it came
	done        bool
	failure     fault // why there is no response
	created     loose.Timestamp
	ended       loose.Timestamp
	inputFile   string
	resultFile  string
	inline      bool // there are results in the operation itself
	counts      counts
}

// counts are of rows. A count of 0 is left out.
type counts struct {
	total, succeeded, failed int

	known bool
}

// parseOperation reads an operation as far as it can be read: what others have
// left must not hide what is ours. It may also be a batch without an operation
// around it.
func parseOperation(v jsontext.Value) operation {
	o := wire.Members(v)
	batch, response := wire.Members(o["metadata"]), wire.Members(o["response"])
	if batch == nil {
		batch = o
	}
	output := wire.Members(batch["output"])
	return operation{
		name:        cmp.Or(o.Text("name"), batch.Text("name")),
		displayName: batch.Text("displayName"),
		word:        batch.Text("state"),
		done:        o["done"].Kind() == 't',
		failure:     parseFault(o["error"]),
		created:     timestamp(batch["createTime"]),
		ended:       timestamp(batch["endTime"]),
		inputFile:   batch.Text("inputConfig.fileName"),
		resultFile:  cmp.Or(output.Text("responsesFile"), response.Text("responsesFile")),
		inline:      hasRows(output) || hasRows(response),
		counts:      parseCounts(batch["batchStats"]),
	}
}

func hasRows(output wire.Object) bool {
	return output["inlinedResponses"] != nil || output["inlinedEmbedContentResponses"] != nil
}

func parseCounts(v jsontext.Value) counts {
	o := wire.Members(v)
	at := func(name string) int { return int(max(number(o[name]), 0)) }
	c := counts{total: at("requestCount"), succeeded: at("successfulRequestCount"), failed: at("failedRequestCount")}
	c.known = c != counts{} || o["pendingRequestCount"] != nil
	return c
}

// The states that end a batch, in the words of Status.
const (
	succeeded = "succeeded"
	partial   = "partially_succeeded"
	failed    = "failed"
	cancelled = "cancelled"
	expired   = "expired"
)

// state is the state without what all states begin with. An operation that is
// done has ended, whatever it says beside that.
func (o *operation) state() string {
	s := strings.ToLower(o.word)
	for _, prefix := range []string{"batch_state_", "job_state_"} {
		s = strings.TrimPrefix(s, prefix)
	}
	switch {
	case isEnd(s) || !o.done:
		return s
	case o.failure.code == codeCancelled:
		return cancelled
	case o.failure.isSet:
		return failed
	}
	return succeeded
}

func isEnd(state string) bool {
	switch state {
	case succeeded, partial, failed, cancelled, expired:
		return true
	}
	return false
}

func (o *operation) hasEnded() bool { return isEnd(o.state()) }

// isRunning reports whether the state is a known one that comes before the end.
func (o *operation) isRunning() bool {
	switch o.state() {
	case "pending", "queued", "running", "cancelling", "paused", "updating":
		return true
	}
	return false
}

// isAccepted reports whether rows run, or have run.
func (o *operation) isAccepted() bool {
	switch o.state() {
	case "running", "paused", "updating", succeeded, partial, expired:
		return true
	}
	return o.ran()
}

// ran reports whether rows have run for certain.
func (o *operation) ran() bool {
	return o.resultFile != "" || o.inline || o.counts.succeeded+o.counts.failed > 0
}

// notRun is how many rows never ran, as far as the counts say so. Of a batch
// that expired nothing can be had any more: its rows are as good as not run.
func (o *operation) notRun() int {
	c := o.counts
	switch state := o.state(); {
	case !o.hasEnded():
		return 0
	case state == expired, state == failed && !o.ran():
		return math.MaxInt
	case c.succeeded+c.failed > 0 || state == cancelled && c.total > 0:
		return max(c.total-c.succeeded-c.failed, 0)
	case state == cancelled && c.known:
		return math.MaxInt
	}
	return 0
}

// counted is how many rows must be among the results.
func (o *operation) counted() int { return o.counts.succeeded + o.counts.failed }
