package intercept

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/balerhq/baler/flow/intercept/internal/replay"
)

// holding is a connection whose call waits.
type holding struct {
	w         http.ResponseWriter
	manner    manner // of the call, of which nothing else is kept
	deadline  time.Time
	rule      rule
	counts    *counts
	wait      *waiting
	committed bool
	aborted   bool // the connection has to be broken off
}

// begin answers the call if that is possible at once, and reports whether it
// is.
func (h *holding) begin() (answered bool) {
	select {
	case <-h.wait.done:
		h.answer()
		return true
	default:
	}
	if h.rule.events {
		h.commit(replay.Events, replay.Comment)
	}
	return false
}

// serve holds the connection until the call is answered, or its client is gone.
// Its stack stays small, as there is one for each held call: see apart.
func (h *holding) serve(gone <-chan struct{}) {
	began := time.Now()
	timer := time.NewTimer(0)
	<-timer.C
	for held := time.Duration(0); ; {
		var due <-chan time.Time
		at, what := h.next(began, held)
		if what != 0 {
			timer.Reset(time.Until(began.Add(at)))
			due = timer.C
		}
		select {
		case <-h.wait.done:
			what = actAnswer
		case <-gone:
			what = actGone
		case <-due:
		}
		held = at
		if what == actInterim {
			h.w.WriteHeader(http.StatusProcessing)
			continue
		}
		over := false
		apart(func() { over = h.act(what) })
		if over {
			break
		}
	}
	timer.Stop()
	if h.aborted {
		panic(http.ErrAbortHandler)
	}
}

// next returns what happens next, and when: what the rule says, or the end at
// the deadline.
func (h *holding) next(began time.Time, held time.Duration) (at time.Duration, what action) {
	at, what = h.rule.next(held)
	if h.deadline.IsZero() {
		return at, what
	}
	if left := h.deadline.Sub(began); what == 0 || left <= at {
		return left, actLate
	}
	return at, what
}

// apart runs f in a goroutine of its own and waits for it. So the stack of the
// goroutine that waits, which a held call keeps for hours, does not grow: it
// never shrinks again below what net/http uses of it. A panic of f is one of
// the caller.
func apart(f func()) {
	done := make(chan any)
	go func() {
		defer func() {
			p := recover()
			if p != nil && p != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
				p = fmt.Sprintf("%v\n%s", p, debug.Stack())
			}
			done <- p
		}()
		f()
	}()
	if p := <-done; p != nil {
		panic(p)
	}
}

// act does what is due, and reports whether the connection is held no more.
func (h *holding) act(what action) (ended bool) {
	switch what {
	case actInterim: // it needs no stack
	case actCommit:
		h.commit("application/json", " ")
	case actSpace:
		filler := " "
		if h.rule.events {
			filler = replay.Comment
		}
		h.write([]byte(filler))
	case actRefuse:
		h.counts.cut.Add(1)
		h.wait.leave()
		header := h.w.Header()
		header.Set("Retry-After-Ms", "0")
		header.Set("X-Should-Retry", "true")
		h.whole(&Answer{
			Status: http.StatusServiceUnavailable,
			Body:   errorBody(h.manner.provider, http.StatusServiceUnavailable, "baler_waiting", "the batch has not ended yet: make the same call again to get its answer"),
		})
		return true
	case actAnswer:
		h.answer()
		return true
	case actGone:
		h.counts.cut.Add(1)
		h.wait.leave()
		return true
	case actLate:
		h.wait.leave()
		h.fail(&DeadlineError{Passed: true})
		return true
	}
	return false
}

// commit begins the answer with 200.
func (h *holding) commit(contentType, filler string) {
	h.committed = true
	header := h.w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", "no-store")
	h.w.WriteHeader(http.StatusOK)
	h.write([]byte(filler))
}

func (h *holding) write(b []byte) {
	_, _ = h.w.Write(b) // a client that is gone ends the request's context
	_ = http.NewResponseController(h.w).Flush()
}

// answer gives the call what it waited for.
func (h *holding) answer() {
	if h.wait.err != nil {
		h.fail(h.wait.err)
		return
	}
	a := h.wait.answer
	contentType := h.manner.shape(&a)
	switch {
	case !h.committed:
		h.headers(&a)
		h.w.Header().Set("Content-Type", contentType)
		h.whole(&a)
	case a.Status == http.StatusOK:
		h.write(a.Body)
	default:
		h.late(&a)
	}
}

// headers sets the headers of an answer.
func (h *holding) headers(a *Answer) { maps.Copy(h.w.Header(), a.header(h.manner.provider)) }

// whole writes an answer that was not begun.
func (h *holding) whole(a *Answer) {
	header := h.w.Header()
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	header.Set("Content-Length", strconv.Itoa(len(a.Body)))
	h.w.WriteHeader(a.Status)
	_, _ = h.w.Write(a.Body)
}

// late tells a client of an error after the status 200: among the events, or by
// breaking the connection off. An error as the body would break programs.
func (h *holding) late(a *Answer) {
	if h.rule.events {
		h.write(replay.Failure(string(h.manner.form), bytes.TrimSpace(a.Body)))
		return
	}
	h.counts.cut.Add(1)
	h.aborted = true
}

// fail answers with an error of Baler's own.
func (h *holding) fail(err error) {
	a := answerTo(h.manner.provider, err)
	if h.committed {
		h.late(&a)
		return
	}
	h.headers(&a)
	h.whole(&a)
}
