package durable

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// longWait is a wait that is worth a notice, whatever it is for.
const longWait = time.Minute

// trouble is a call that failed and will be made again.
type trouble struct {
	call  string
	err   error
	again time.Duration // until then
	lasts bool          // it is not the first failure in a row
	first bool          // nothing is bought yet, and the run ends if this lasts
}

// tellTrouble tells of a call that failed. What is the provider's trouble with
// all batches is told once for the run; what one batch has, for that.
func (e *engine) tellTrouble(ctx context.Context, in intent.Intent, t trouble) {
	n := Notice{Next: time.Now().Add(t.again)}
	switch {
	case retry.After(t.err) >= longWait:
		n.Kind = NoticeLimited
		n.Text = fmt.Sprintf("%s asks to wait for %s: %s: %v", e.providerName(), retry.After(t.err).Round(time.Second), t.call, t.err)
		n.Advice = "the run goes on by itself"
	case isUnreachable(t.err) && (t.lasts || neverConnected(t.err)):
		n.Kind = NoticeUnreachable
		n.Text = fmt.Sprintf("%s cannot be reached: %s: %v", e.providerName(), t.call, t.err)
		n.Advice = "the run goes on by itself once it answers; if this lasts, check the network, the proxy and the base URL"
	case !t.lasts:
		return // it may be over with the next attempt
	case in.Tag == "" || t.call == "poll" && isUnwell(t.err):
		n.Kind = NoticeUnreachable
		n.Text = fmt.Sprintf("%s does not answer as it should: %s: %v", e.providerName(), t.call, t.err)
		n.Advice = "the run goes on by itself once that is over"
	default:
		n.Kind, n.Tag, n.Batch = NoticeWaiting, in.Tag, in.Batch
		n.Text = fmt.Sprintf("%s failed: %v", t.call, t.err)
		n.Advice = "it is tried again by itself, and nothing is bought twice"
	}
	if t.first {
		n.Advice = "nothing is bought yet, and the run ends if this lasts for a minute: check the network, the proxy and the base URL"
	}
	e.tell(ctx, n)
}

// untroubled withdraws what is told of the provider, as it has answered.
func (e *engine) untroubled() {
	e.untell(NoticeUnreachable, "")
	e.untell(NoticeLimited, "")
}

// observed is a context under which the retries of the next step of a batch are
// told, which the client makes by itself.
func (e *engine) observed(ctx context.Context, in intent.Intent) context.Context {
	call := string(in.Next())
	return retry.Observe(ctx, func(a retry.Attempt) {
		switch {
		case a.Err == nil:
			e.untroubled()
		case a.Delay > 0:
			e.tellTrouble(ctx, in, trouble{call: call, err: a.Err, again: a.Delay, lasts: a.N > 1})
		}
	})
}

// isUnreachable reports whether a call brought no reply.
func isUnreachable(err error) bool {
	if errors.Is(err, sink.ErrNotEnded) || local(err) {
		return false
	}
	var network net.Error
	return statusOf(err) == 0 && errors.As(err, &network)
}

// neverConnected reports an error that no second attempt is needed to believe.
func neverConnected(err error) bool {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// isUnwell reports a reply by which the provider is at fault, and not the call.
func isUnwell(err error) bool {
	switch status := statusOf(err); status {
	case 0:
		return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	case http.StatusTooManyRequests:
		return true
	default:
		return status >= http.StatusInternalServerError
	}
}

// statusOf is the HTTP status of a reply, 0 if there was none.
func statusOf(err error) int {
	for e := new(retry.Error); errors.As(err, &e); err = e.Err {
		if e.Status != 0 {
			return e.Status
		}
	}
	return 0
}

// providerName is what people know the provider by.
func (e *engine) providerName() string {
	if o, ok := e.provider.(sink.Origin); ok {
		return o.Origin()
	}
	return e.provider.Name()
}
