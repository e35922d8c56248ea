package intercept

import (
	"bytes"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/balerhq/baler/flow/intercept/internal/replay"
)

// holding is a connection whose call waits.
type holding struct {
	w         http.ResponseWriter
	r         *http.Request
	call      *call
	rule      rule
	counts    *counts
	committed bool
}

// serve holds the connection until the call is answered, or its client is gone.
func (h *holding) serve(wait *waiting) {
	select {
	case <-wait.done:
		h.answer(wait)
		return
	default:
	}
	if h.rule.events {
		h.commit(replay.Events, replay.Comment)
	}
	var late <-chan time.Time
	if !h.call.deadline.IsZero() {
		timer := time.NewTimer(time.Until(h.call.deadline))
		defer timer.Stop()
		late = timer.C
	}
	began := time.Now()
	var held time.Duration
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for {
		at, what := h.rule.next(held)
		var due <-chan time.Time
		if what != 0 {
			timer.Reset(time.Until(began.Add(at)))
			due = timer.C
		}
		select {
		case <-wait.done:
			h.answer(wait)
			return
		case <-late:
			h.fail(&DeadlineError{Passed: true})
			return
		case <-h.r.Context().Done():
			h.counts.cut.Add(1)
			return
		case <-due:
			held = at
			if h.act(what) {
				return
			}
		}
	}
}

// act does what the rule says, and reports whether the connection is held no
// more.
func (h *holding) act(what action) (ended bool) {
	switch what {
	case actInterim:
		h.w.WriteHeader(http.StatusProcessing)
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
		header := h.w.Header()
		header.Set("Retry-After-Ms", "0")
		header.Set("X-Should-Retry", "true")
		h.whole(&Answer{
			Status: http.StatusServiceUnavailable,
			Body:   errorBody(h.call.provider, http.StatusServiceUnavailable, "baler_waiting", "the batch has not ended yet: make the same call again to get its answer"),
		})
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
func (h *holding) answer(wait *waiting) {
	if wait.err != nil {
		h.fail(wait.err)
		return
	}
	a := wait.answer
	contentType := h.call.shape(&a)
	switch {
	case !h.committed:
		h.begin(&a)
		h.w.Header().Set("Content-Type", contentType)
		h.whole(&a)
	case a.Status == http.StatusOK:
		h.write(a.Body)
	default:
		h.late(&a)
	}
}

// begin sets the headers of an answer.
func (h *holding) begin(a *Answer) { maps.Copy(h.w.Header(), a.header(h.call.provider)) }

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
		h.write(replay.Failure(string(h.call.form), bytes.TrimSpace(a.Body)))
		return
	}
	h.counts.cut.Add(1)
	panic(http.ErrAbortHandler)
}

// fail answers with an error of Baler's own.
func (h *holding) fail(err error) {
	a := answerTo(h.call.provider, err)
	if h.committed {
		h.late(&a)
		return
	}
	h.begin(&a)
	h.whole(&a)
}
