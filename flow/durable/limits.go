package durable

import (
	"cmp"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/ratelimit"
)

// BatchLimits bound a batch. The provider's own limits hold in any case.
type BatchLimits struct {
	MaxItems int // zero: as many as the provider takes
	MaxBytes int // of the upload; zero: as many as the provider takes
	// MaxTokens bounds the tokens of the requests, by an estimate: four bytes
	// are a token. Zero means as many as may be enqueued, see Job.Enqueued. An
	// item with more leaves alone.
	MaxTokens int64
	// MaxWait is how long a batch that is not full waits for more items. Zero
	// means one minute.
	MaxWait time.Duration
}

// config returns the limits for the accumulator.
func (l BatchLimits) config() accumulator.Config {
	return accumulator.Config{MaxItems: l.MaxItems, MaxWeight: l.MaxBytes, MaxWait: cmp.Or(l.MaxWait, DefaultMaxWait)}
}

// Rate is a number of requests in a span of time. A zero field has the default
// of the Job's field: if only one of them is given, the other is what the
// default rate makes of it, at least one request.
type Rate struct {
	Requests int
	Per      time.Duration
}

// or fills in the zero fields.
func (r Rate) or(d Rate) Rate {
	per := cmp.Or(r.Per, d.Per)
	requests := max(int(float64(d.Requests)*per.Seconds()/d.Per.Seconds()), 1)
	return Rate{cmp.Or(r.Requests, requests), per}
}

// createLimit returns the limit of a job's Creates.
func createLimit(r Rate) ratelimit.Config {
	r = r.or(Rate{DefaultCreatesPerHour, time.Hour})
	return ratelimit.Config{Requests: r.Requests, Window: r.Per, Burst: r.Per / 6}
}

// pollLimit returns the limit of a job's Polls and PollsAtOnce.
func pollLimit(r Rate, atOnce int) ratelimit.Config {
	r = r.or(Rate{DefaultPollsPerMinute, time.Minute})
	return ratelimit.Config{Requests: r.Requests, Window: r.Per, Slots: cmp.Or(atOnce, DefaultPollsAtOnce)}
}

func narrow(wanted, limit int) int {
	if wanted == 0 || limit > 0 && limit < wanted {
		return limit
	}
	return wanted
}
