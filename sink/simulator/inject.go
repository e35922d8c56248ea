package simulator

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// inject serves a request that met a fault. It reports whether the answer is
// lost: the connection is to be broken.
func (m *mount) inject(f Fault, w http.ResponseWriter, r *http.Request) (lost bool) {
	switch f.Action {
	case ActionFail:
		drain(r)
		f.fail(m.protocol, w)
	case ActionFailAfter:
		m.router.mux.ServeHTTP(newDiscard(), r)
		f.fail(m.protocol, w)
	case ActionReset:
		drain(r)
		return true
	case ActionResetAfter:
		m.router.mux.ServeHTTP(newDiscard(), r)
		return true
	case ActionLate:
		m.applyLater(f.Delay, r)
		return true
	case ActionHang:
		drain(r) // only then does the server see the client leave
		_ = m.sleep(r.Context(), f.Delay, f.Delay == 0)
		return true
	case ActionSlow:
		if cutShort := !m.sleep(r.Context(), f.Delay, false); cutShort {
			return true
		}
		m.router.mux.ServeHTTP(w, r)
	case ActionTruncate:
		m.router.mux.ServeHTTP(&truncated{ResponseWriter: w, left: f.Bytes}, r)
	case ActionStale:
		then := m.clock.now().Add(-m.clock.simulated(f.Delay))
		m.router.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), asOfKey{}, then)))
	case ActionReplace:
		drain(r)
		f.replace(w)
	case ActionMerge:
		m.rewrite(w, r, f.Header, f.merge)
	case ActionCut:
		m.rewrite(w, r, nil, f.cut)
	case ActionCutLines:
		m.rewrite(w, r, nil, cutLines)
	case ActionCompress:
		m.compress(w, r)
	case ActionPrepend:
		m.rewrite(w, r, nil, f.prepend)
	case ActionTrickle:
		return !m.trickle(f, w, r)
	case ActionInvalid:
		m.router.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), invalidKey{}, f.lineErrors())))
	}
	return false
}

// sleep waits for d, or without end, and reports whether that was not cut short
// by the client or by Close.
func (s *Simulator) sleep(ctx context.Context, d time.Duration, forever bool) bool {
	var over <-chan time.Time
	if !forever {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
		return true
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
	return false
}

// applyLater applies the request after d, unless the Simulator is closed first.
func (m *mount) applyLater(d time.Duration, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client did not send all of it: there is nothing to apply
	}
	later := r.Clone(context.WithoutCancel(r.Context()))
	later.Body = io.NopCloser(bytes.NewReader(body))
	m.spawn(func() {
		if m.sleep(m.ctx, d, false) {
			m.router.mux.ServeHTTP(newDiscard(), later)
		}
	})
}

// invalidKey is the context key of the errors that a batch is to fail with.
type invalidKey struct{}

// lineErrors are the errors as a batch has them.
func (f Fault) lineErrors() []protocol.LineError {
	all := make([]protocol.LineError, 0, len(f.Errors))
	for _, e := range f.Errors {
		l := protocol.LineError{Code: e.Code, Message: e.Message}
		if e.Param != "" {
			l.Param = &e.Param
		}
		if e.Line > 0 {
			l.Line = &e.Line
		}
		all = append(all, l)
	}
	return all
}

// asOfKey is the context key of the time as of which a stale request reads.
type asOfKey struct{}

// fail writes the error that ActionFail and ActionFailAfter answer with.
func (f Fault) fail(p protocol.Protocol, w http.ResponseWriter) {
	status := f.Status
	if status == 0 {
		status = http.StatusInternalServerError
	}
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	switch status {
	case http.StatusRequestEntityTooLarge, http.StatusBadGateway, http.StatusGatewayTimeout:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<html><head><title>%d %s</title></head></html>\n", status, http.StatusText(status))
		return
	}
	p.WriteError(w, status, f.Code, "The simulator was told to fail this request.")
}

func drain(r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }
