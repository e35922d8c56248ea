package intercept

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/retry"
)

// Stats count what happened since New.
type Stats struct {
	Calls     int64 // that became rows, or got the answer of one
	Hits      int64 // got an answer that was there
	Attached  int64 // asked what another call waited for
	Rows      int64 // given to batches
	Batches   int64 // bought
	Succeeded int64 // rows
	Failed    int64 // rows
	Passed    int64 // went on untouched
	Live      int64 // of these, because of their deadline
	Escalated int64 // rows that were asked live because their deadline came near
	Waiting   int64 // rows that calls of this process wait for
	Cut       int64 // calls of a proxy that ended before they had their answers, to be made again
	// Reuse counts the calls that got an answer which another one has paid for,
	// and what that has saved. A call that is made again, and is the first to
	// get its answer, saves nothing.
	Reuse durable.Reuse
}

// String is the counts as a line.
func (s Stats) String() string {
	return fmt.Sprintf("%s: %d answered at once, %d shared a row, %s in %s (%d succeeded, %d failed, %d wait); %s passed through%s%s",
		counted(s.Calls, "call", "calls"), s.Hits, s.Attached, counted(s.Rows, "row", "rows"), counted(s.Batches, "batch", "batches"), s.Succeeded, s.Failed, s.Waiting, counted(s.Passed, "call", "calls"), s.live(), s.reuse())
}

func (s *Stats) live() (text string) {
	if s.Live > 0 {
		text = fmt.Sprintf(", %d of them near their deadline", s.Live)
	}
	if s.Escalated > 0 {
		text += fmt.Sprintf("; %s asked live as the deadline came near", counted(s.Escalated, "row", "rows"))
	}
	return text
}

func (s *Stats) reuse() string {
	if s.Reuse.Calls() == 0 {
		return ""
	}
	return fmt.Sprintf("; %s given again, which has saved %s", counted(s.Reuse.Calls(), "answer", "answers"), s.Reuse.Saved.Round(4))
}

type counts struct {
	calls, hits, attached, rows, batches, succeeded, failed, passed, live, escalated, cut atomic.Int64
}

func (c *counts) settled(class retry.Class) {
	if class == 0 {
		c.succeeded.Add(1)
	} else {
		c.failed.Add(1)
	}
}

// Stats returns the counts.
func (i *Interceptor) Stats() Stats {
	i.mu.Lock()
	waiting := len(i.waiting)
	i.mu.Unlock()
	c := &i.counts
	return Stats{
		Calls: c.calls.Load(), Hits: c.hits.Load(), Attached: c.attached.Load(), Rows: c.rows.Load(), Batches: c.batches.Load(),
		Succeeded: c.succeeded.Load(), Failed: c.failed.Load(), Passed: c.passed.Load(), Live: c.live.Load(), Escalated: c.escalated.Load(), Waiting: int64(waiting), Cut: c.cut.Load(), Reuse: i.reuses.total(),
	}
}

// observe counts batches and passes events on.
func (i *Interceptor) observe(e durable.Event) {
	if b := e.Batch; b != nil && b.State == "submitted" && b.Was != "submitted" && b.Route != liveRoute {
		i.counts.batches.Add(1)
	}
	if i.cfg.Observe != nil {
		i.cfg.Observe(e)
	}
}

// dryRun is what a dry run has seen.
type dryRun struct {
	calls, hits, passed int
	rows                map[callHash]bool
	kinds               map[batchKind]int // rows
}

// batchKind is what the rows of a batch have in common.
type batchKind struct{ account, endpoint, model string }

func (i *Interceptor) planHit() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.dry.calls++
	i.dry.hits++
}

// planRow counts a row that would be bought, and returns the plan so far.
func (i *Interceptor) planRow(a *account, r *row) Plan {
	i.mu.Lock()
	defer i.mu.Unlock()
	d := &i.dry
	d.calls++
	if !d.rows[r.hash] {
		if d.rows == nil {
			d.rows, d.kinds = make(map[callHash]bool), make(map[batchKind]int)
		}
		d.rows[r.hash] = true
		d.kinds[batchKind{a.name, r.call.request.Endpoint, r.call.request.Model}]++
	}
	return i.planned()
}

// planPass refuses a call of a dry run that would pass through, unless it costs
// nothing. The path is that of its service.
func (i *Interceptor) planPass(r *http.Request, path string) error {
	if !i.cfg.DryRun || isFree(r, path) {
		return nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.dry.passed++
	return &DryRunError{i.planned()}
}

// isFree reports whether a call only reads what is there, or counts tokens.
func isFree(r *http.Request, path string) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return r.Header.Get("Upgrade") == "" // a session that costs
	}
	for _, counts := range []string{"/messages/count_tokens", ":countTokens", "/responses/input_tokens"} {
		if strings.HasSuffix(path, counts) {
			return true
		}
	}
	return false
}

// Plan returns what the calls of a dry run would do, so far.
func (i *Interceptor) Plan() Plan {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.planned()
}

func (i *Interceptor) planned() Plan {
	p := Plan{Calls: i.dry.calls, Hits: i.dry.hits, Rows: len(i.dry.rows), Passed: i.dry.passed}
	for _, rows := range i.dry.kinds {
		p.Batches += (rows + i.cfg.BatchSize - 1) / i.cfg.BatchSize
	}
	return p
}
