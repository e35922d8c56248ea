package durable

import (
	"context"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
)

// clockSlack is by how much this machine's clock may differ from the provider's
// before it is thought to be wrong: a Date is good to the second, and a reply may
// take a minute.
const clockSlack = 2 * time.Minute

// askTimeout is how long is waited for the provider's word about the time.
const askTimeout = 10 * time.Second

// clock is the time by which batches are bought and given up: that of the
// provider, if it tells, which need not be this machine's.
type clock struct {
	*config
	gate    *gate
	began   time.Time // by this process
	started time.Time // for the first time
	expires time.Time // zero: never
}

// now is the time by which what is kept is dated. It is that of this machine,
// unless the provider tells another: the clock here may be wrong, or be set
// between two processes, and what was kept by the one is read by the other.
func (k *clock) now() time.Time {
	local := time.Now()
	if there, known := k.clock(); known {
		if d := there.Sub(local); d.Abs() > clockSlack {
			return local.Add(d)
		}
	}
	return local
}

// clock is what time it is at the provider, if it tells.
func (k *clock) clock() (now time.Time, known bool) {
	if c, ok := k.provider.(sink.Clock); ok {
		return c.Clock()
	}
	return time.Time{}, false
}

// compareClocks tells that this machine's clock is wrong.
func (k *clock) compareClocks(ctx context.Context) {
	if there, known := k.clock(); known {
		if d := time.Since(there.Round(0)); d.Abs() > clockSlack {
			k.log.WarnContext(ctx, "the clock of this machine is not the provider's, by which is counted", "ahead", d.Round(time.Second))
		}
	}
}

// past is a time that was kept, as far as it makes sense: what has happened is
// not ahead.
func (k *clock) past(t time.Time) time.Time {
	if now := k.now(); t.After(now) {
		return now
	}
	return t
}

// overdue reports whether the time limit is over. Where the provider tells the
// time, this machine's clock alone cancels nothing.
func (k *clock) overdue() bool {
	if k.expires.IsZero() {
		return false
	}
	if _, known := k.clock(); !known && k.tellsTime() {
		return time.Since(k.began) >= k.timeLimit // as this process has seen itself
	}
	return !k.now().Before(k.expires)
}

func (k *clock) tellsTime() bool { _, ok := k.provider.(sink.Clock); return ok }

// askTime lets the provider tell the time if it may be that the time limit is
// over. One that is not reached is asked again later, by whoever needs it.
func (k *clock) askTime(ctx context.Context) {
	if _, known := k.clock(); known || !k.tellsTime() || k.expires.IsZero() || time.Now().Before(k.expires) || k.gate.cancelled() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := k.provider.Check(ctx); err != nil {
		k.log.WarnContext(ctx, "the provider does not say what time it is", "error", err)
	}
}

// farBack is how much further than it has to a look goes that decides whether a
// batch is sent again: the clock may have been ahead when it was sent.
const farBack = 7 * 24 * time.Hour

// lookBack is from when on batches are asked for that may be the intent's.
func (k *clock) lookBack(in intent.Intent, decides bool) time.Time {
	since := k.past(in.Since)
	if decides || since.Before(in.Since) { // then the clock was set back
		since = since.Add(-farBack)
	}
	return since.Add(-findSlack)
}

// age is for how long a batch exists, at least. This process has seen some of it;
// for the rest, the provider's word and the clock have to agree.
func (k *clock) age(in intent.Intent, v *pollState) time.Duration {
	seen := time.Since(v.began)
	if v.aged.IsZero() {
		return seen
	}
	told := v.age + time.Since(v.aged)
	if sent := k.now().Sub(in.SentAt); sent >= 0 {
		told = min(told, sent)
	}
	return max(seen, told)
}

const findSlack = 15 * time.Minute // by which the provider's clock may differ from ours
