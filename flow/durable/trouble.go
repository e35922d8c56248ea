package durable

import (
	"context"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// longWait is the shortest wait that is worth a notice, whatever its cause.
const longWait = time.Minute

// trouble is a call that failed and will be made again.
type trouble struct {
	call  string
	err   error
	again time.Duration // until then
	lasts bool          // it is not the first failure in a row
	first bool          // nothing is bought yet, and the run ends if this lasts
}

// raiseTrouble raises a notice about a call that failed. A problem of the
// provider with all batches gets one notice for the run. A problem of one batch
// gets a notice for that batch.
func (n *notices) raiseTrouble(ctx context.Context, s *service, in intent.Intent, t trouble) {
	v := Notice{Tag: n.tagOf(s), Next: time.Now().Add(t.again)}
	switch {
	case retry.After(t.err) >= longWait:
		v.Kind = NoticeLimited
		v.Text = fmt.Sprintf("%s asks to wait for %s: %s: %v", s.info.Service(), retry.After(t.err).Round(time.Second), t.call, t.err)
		v.Advice = "the run goes on by itself"
	case isUnreachable(t.err) && (t.lasts || neverConnected(t.err)):
		v.Kind = NoticeUnreachable
		v.Text = fmt.Sprintf("%s cannot be reached: %s: %v", s.info.Service(), t.call, t.err)
		v.Advice = "the run goes on by itself once it answers; if this lasts, check the network, the proxy and the base URL"
	case !t.lasts:
		return // it may be over with the next attempt
	case in.Tag == "" || t.call == "poll" && isUnwell(t.err):
		v.Kind = NoticeUnreachable
		v.Text = fmt.Sprintf("%s does not answer as it should: %s: %v", s.info.Service(), t.call, t.err)
		v.Advice = "the run goes on by itself once that is over"
	default:
		v.Kind, v.Tag, v.Batch = NoticeWaiting, in.Tag, in.Batch
		v.Text = fmt.Sprintf("%s failed: %v", t.call, t.err)
		v.Advice = "it is tried again by itself, and nothing is bought twice"
	}
	if t.first {
		v.Advice = "nothing is bought yet, and the run ends if this lasts for a minute: check the network, the proxy and the base URL"
	}
	n.raise(ctx, v)
}

// clearTrouble clears the notices about a provider, because it has answered.
func (n *notices) clearTrouble(s *service) {
	n.clear(NoticeUnreachable, n.tagOf(s))
	n.clear(NoticeLimited, n.tagOf(s))
}

// tagOf returns the tag of notices about a provider: none if there is no other.
func (n *notices) tagOf(s *service) string {
	if len(n.services) == 1 {
		return ""
	}
	return s.info.Service()
}

// observed returns a context that reports the retries which the client makes by
// itself in the next step of a batch.
func (n *notices) observed(ctx context.Context, s *service, in intent.Intent) context.Context {
	call := string(in.Next())
	return retry.Observe(ctx, func(a retry.Attempt) {
		switch {
		case a.Err == nil:
			n.clearTrouble(s)
		case a.Delay > 0:
			n.raiseTrouble(ctx, s, in, trouble{call: call, err: a.Err, again: a.Delay, lasts: a.N > 1})
		}
	})
}
