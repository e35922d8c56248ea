package intercept

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/balerhq/baler/queue"
)

// Option is about the calls of a context. A header of the call says the same,
// and comes first.
type Option func(*options)

// options are what is said about a call beside what it asks.
type options struct {
	priority queue.Priority
	deadline time.Time
	tenant   string
	run      string
	sample   string
	live     bool
}

// Priority orders calls that wait for a batch. The header is
// "x-baler-priority": critical, high, normal or low.
func Priority(p queue.Priority) Option { return func(o *options) { o.priority = p } }

// Deadline is when an answer is of no use any more. A call that waits then
// fails; its row stays. The header is "x-baler-deadline": a time such as
// 2026-11-29T15:04:05Z, or a duration such as 6h from now.
func Deadline(t time.Time) Option { return func(o *options) { o.deadline = t } }

// Tenant names whose call it is. Calls of different tenants share no answers.
// The header is "x-baler-tenant".
func Tenant(name string) Option { return func(o *options) { o.tenant = name } }

// Run names what the call belongs to. It is kept with the row, as the member
// "run" of its meta. The header is "x-baler-run".
func Run(name string) Option { return func(o *options) { o.run = name } }

// Sample tells calls apart that ask the same, to get independent answers: each
// name has one of its own. The header is "x-baler-sample".
func Sample(name string) Option { return func(o *options) { o.sample = name } }

// Live lets calls pass through at the full price. The header is
// "x-baler-live: true".
func Live() Option { return func(o *options) { o.live = true } }

type scopeKey struct{}

// With returns a context whose calls become rows, also if Config.All is false.
func With(ctx context.Context, opts ...Option) context.Context {
	o, _ := scopeOf(ctx)
	for _, apply := range opts {
		apply(&o)
	}
	return context.WithValue(ctx, scopeKey{}, o)
}

// scopeOf returns the options of a context, and whether it has any.
func scopeOf(ctx context.Context) (options, bool) {
	o, ok := ctx.Value(scopeKey{}).(options)
	return o, ok
}

// headerPrefix begins the names of headers that are for Baler alone.
const headerPrefix = "X-Baler-"

// withHeader returns the options that the headers of a call change.
func (o options) withHeader(h http.Header, now time.Time) (options, error) {
	var err error
	if v := h.Get(headerPrefix + "Priority"); v != "" {
		if o.priority, err = priorityOf(v); err != nil {
			return o, err
		}
	}
	if v := h.Get(headerPrefix + "Deadline"); v != "" {
		if o.deadline, err = deadlineOf(v, now); err != nil {
			return o, err
		}
	}
	if v := h.Get(headerPrefix + "Live"); v != "" {
		if o.live, err = strconv.ParseBool(v); err != nil {
			return o, fmt.Errorf("x-baler-live is %.20q: must be true or false", v)
		}
	}
	o.tenant = cmp.Or(h.Get(headerPrefix+"Tenant"), o.tenant)
	o.run = cmp.Or(h.Get(headerPrefix+"Run"), o.run)
	o.sample = cmp.Or(h.Get(headerPrefix+"Sample"), o.sample)
	for _, name := range []struct{ what, is string }{{"tenant", o.tenant}, {"run", o.run}, {"sample", o.sample}} {
		if len(name.is) > maxName {
			return o, fmt.Errorf("x-baler-%s has %d bytes: at most %d", name.what, len(name.is), maxName)
		}
	}
	return o, nil
}

// maxName bounds the names that calls give, in bytes.
const maxName = 256

func priorityOf(s string) (queue.Priority, error) {
	for _, p := range []queue.Priority{queue.PriorityCritical, queue.PriorityHigh, queue.PriorityNormal, queue.PriorityLow} {
		if strings.EqualFold(p.String(), s) {
			return p, nil
		}
	}
	return queue.PriorityNormal, fmt.Errorf("x-baler-priority is %.20q: must be critical, high, normal or low", s)
}

func deadlineOf(s string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return now.Add(d), nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("x-baler-deadline is %.40q: must be a time such as 2026-11-29T15:04:05Z, or a duration such as 6h", s)
}

// stripped returns the headers without those that are for Baler.
func stripped(h http.Header) http.Header {
	h = h.Clone()
	for name := range h {
		if strings.HasPrefix(name, headerPrefix) {
			delete(h, name)
		}
	}
	return h
}
