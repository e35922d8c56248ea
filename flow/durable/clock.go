package durable

import (
	"context"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
)

// clockSlack is how much this machine's clock may differ from the provider's
// before it counts as wrong. A Date has a precision of one second, and a reply
// may take a minute.
const clockSlack = 2 * time.Minute

// askTimeout limits how long the provider is asked for the time.
const askTimeout = 10 * time.Second

// clock tells the time by which batches are bought and given up. It follows the
// provider's clock if the provider reports one.
type clock struct {
	*config
	gate    *gate
	began   time.Time // by this process
	started time.Time // for the first time
	expires time.Time // zero: never
}

// now returns the time for records that are kept. It is this machine's time,
// unless the provider reports another. The clock here may be wrong, or may be
// set between two processes that read each other's records.
func (k *clock) now() time.Time {
	local := time.Now()
	if there, known := k.clock(); known {
		if d := there.Sub(local); d.Abs() > clockSlack {
			return local.Add(d)
		}
	}
	return local
}

// clock returns the time of the first provider that has reported it.
func (k *clock) clock() (now time.Time, known bool) {
	for _, s := range k.services {
		if now, known = s.Clock(); known {
			return now, true
		}
	}
	return now, false
}

// compareClocks logs a warning if this machine's clock is wrong.
func (k *clock) compareClocks(ctx context.Context) {
	if there, known := k.clock(); known {
		if d := time.Since(there.Round(0)); d.Abs() > clockSlack {
			k.log.WarnContext(ctx, "the clock of this machine differs from the provider's, which counts", "ahead", d.Round(time.Second))
		}
	}
}

// past returns a recorded time, or the present if the recorded time lies in the
// future. What has happened cannot lie in the future.
func (k *clock) past(t time.Time) time.Time {
	if now := k.now(); t.After(now) {
		return now
	}
	return t
}

// overdue reports whether the time limit is over. If the provider reports its
// time, this machine's clock alone cancels nothing.
func (k *clock) overdue() bool {
	if k.expires.IsZero() {
		return false
	}
	if _, known := k.clock(); !known && k.timekeeper() != nil {
		return time.Since(k.began) >= k.timeLimit // as this process has seen itself
	}
	return !k.now().Before(k.expires)
}

// timekeeper returns the first service that reports the time, nil if none does.
func (k *clock) timekeeper() *service {
	for _, s := range k.services {
		if s.info.Clock {
			return s
		}
	}
	return nil
}

// askTime asks the provider for the time if the time limit may be over. If the
// provider cannot be reached, a later call to it brings the time.
func (k *clock) askTime(ctx context.Context) {
	from := k.timekeeper()
	if _, known := k.clock(); known || from == nil || k.expires.IsZero() || time.Now().Before(k.expires) || k.gate.cancelled() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := from.Check(ctx); err != nil {
		k.log.WarnContext(ctx, "the provider does not say what time it is", "error", err)
	}
}

// searchFrom returns the earliest creation time of batches that may be the
// intent's.
func (k *clock) searchFrom(in intent.Intent, decides bool) time.Time {
	since := k.past(in.Since)
	if decides || since.Before(in.Since) { // then the clock was set back
		since = since.Add(-purchase.WideSlack)
	}
	return since.Add(-purchase.FindSlack)
}

// age returns for how long a batch has existed at least. This process has seen
// a part of that time. For the rest, the provider's word and the clock have to
// agree.
func (k *clock) age(in intent.Intent, v *pollState) time.Duration {
	seen := time.Since(v.began)
	if v.aged.IsZero() {
		return seen
	}
	reported := v.age + time.Since(v.aged)
	if sent := k.now().Sub(in.SentAt); sent >= 0 {
		reported = min(reported, sent)
	}
	return max(seen, reported)
}
