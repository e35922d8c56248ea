package simulator

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// inline is a protocol that differs from OpenAI's in every way that others do:
// another header holds the key, the rows are in the request that creates the
// batch, and all results come in one stream.
type inline struct{}

func (inline) Routes() []protocol.Route {
	return []protocol.Route{
		{Pattern: "POST /jobs", Creates: true, Serve: inline{}.create},
		{Pattern: "GET /jobs/{id}", Serve: inline{}.results},
	}
}

func (inline) SetHeader(h http.Header) { h.Set("Trace", protocol.NewID("")) }

func (inline) WriteError(w http.ResponseWriter, status int, code, message string) {
	http.Error(w, code+": "+message, status)
}

// session returns nil if it has replied.
func (p inline) session(all protocol.Provider, w http.ResponseWriter, r *http.Request) protocol.Session {
	s, accepted := all.Session(r, r.Header.Get("Key"))
	if !accepted {
		p.WriteError(w, http.StatusForbidden, "forbidden", "another key")
		return nil
	}
	return s
}

func (p inline) create(all protocol.Provider, w http.ResponseWriter, r *http.Request) {
	s := p.session(all, w, r)
	if s == nil {
		return
	}
	input := protocol.File{Identity: protocol.Identity{ID: protocol.NewID("input-")}}
	_, err := s.Receive(input.ID, r.Body)
	if err == nil {
		_, err = s.AddFile(input)
	}
	var b protocol.Batch
	if err == nil {
		b, err = s.AddBatch(protocol.Batch{
			Identity: protocol.Identity{ID: protocol.NewID("job-")}, InputFile: input.ID,
			OutputFile: protocol.NewID("good-"), ErrorFile: protocol.NewID("bad-"),
		}, time.Hour)
	}
	if err != nil {
		p.WriteError(w, http.StatusInternalServerError, "broken", err.Error())
		return
	}
	_, _ = io.WriteString(w, b.ID)
}

func (p inline) results(all protocol.Provider, w http.ResponseWriter, r *http.Request) {
	s := p.session(all, w, r)
	if s == nil {
		return
	}
	b, found := s.Batch(r.PathValue("id"))
	switch {
	case !found:
		p.WriteError(w, http.StatusGone, "gone", "no such job")
		return
	case len(b.Errors) > 0:
		p.WriteError(w, http.StatusConflict, b.Errors[0].Code, b.Errors[0].Message)
		return
	case !b.Ended():
		w.WriteHeader(http.StatusAccepted)
		return
	}
	for _, id := range []string{b.OutputFile, b.ErrorFile} {
		if f, exists := s.File(id); exists {
			in, err := s.Open(f)
			if err != nil {
				panic(err)
			}
			_, _ = io.Copy(w, in)
			_ = in.Close()
		}
	}
}

func (inline) Validate(s protocol.Session, b protocol.Batch) (v protocol.Verdict, err error) {
	f, _ := s.File(b.InputFile)
	in, err := s.Open(f)
	if err != nil {
		return v, err
	}
	defer func() { _ = in.Close() }()
	for l, err := range scan.Lines(in) {
		if err != nil {
			return v, err
		}
		v.Rows++
		v.Tokens += protocol.EstimateTokens(len(l.Text))
	}
	return v, nil
}

func (inline) Full(string, int64) protocol.LineError {
	return protocol.LineError{Code: "full", Message: "come back later"}
}

func (inline) ParseRequest(body []byte) protocol.Request { return question(body) }

func (inline) Rows(protocol.Batch) protocol.Rows { return inlineRows{} }

type question []byte

func (q question) Prompt() string           { s, _ := scan.Unquote(q); return s }
func (q question) Schema() *protocol.Schema { return nil }

// inlineRows has rows such as {"key":"a","ask":"text"}.
type inlineRows struct{}

func (inlineRows) Read(line []byte) (r protocol.Row) {
	scan.Members(line, func(key, value []byte) {
		switch string(key) {
		case "key":
			r.ID = value
			r.CustomID, _ = scan.Unquote(value)
		case "ask":
			r.Body, r.Request = value, question(value)
		}
	})
	return r
}

func (inlineRows) AppendResult(b []byte, r protocol.Row, reply protocol.Reply) []byte {
	if reply.Error != nil {
		return fmt.Appendf(b, "%s failed %d\n", r.CustomID, reply.Error.Status)
	}
	return fmt.Appendf(b, "%s %s\n", r.CustomID, reply.Text)
}

func (inlineRows) AppendNotRun(b []byte, r protocol.Row, expired bool) []byte {
	return fmt.Appendf(b, "%s expired %t\n", r.CustomID, expired)
}

func (inlineRows) ResultFile(protocol.ResultKind, time.Time) protocol.File { return protocol.File{} }

// ask sends a request in memory.
func ask(s *Simulator, key, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(s.ctx, method, path, strings.NewReader(body))
	r.Header.Set("Key", key)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestAnotherProtocolSharesTheRest(t *testing.T) {
	const rows = `{"key":"a","ask":"invoice"}` + "\n" + `{"key":"b","ask":"[[400]]"}` + "\n" + `{"key":"c","ask":"login"}` + "\n"
	synctest.Test(t, func(t *testing.T) {
		s, err := newSimulator(Config{
			Keys:    []string{"one", "two"},
			Latency: Latency{Processing: 3 * time.Hour},
			Limits:  Limits{EnqueuedTokens: 30},
			Faults:  []Fault{{Route: "POST /jobs", Action: ActionFail, Status: 529, Code: "busy"}},
		}, inline{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()

		w := ask(s, "one", "POST", "/jobs", rows)
		if w.Code != 529 || !strings.HasPrefix(w.Body.String(), "busy: ") || w.Header().Get("Trace") == "" {
			t.Errorf("a fault replies %d %s %v", w.Code, w.Body, w.Header())
		}
		if w = ask(s, "three", "POST", "/jobs", rows); w.Code != http.StatusForbidden {
			t.Errorf("an unknown key gets %d", w.Code)
		}
		id := ask(s, "one", "POST", "/jobs", rows).Body.String()
		synctest.Wait()
		if w = ask(s, "two", "GET", "/jobs/"+id, ""); w.Code != http.StatusGone {
			t.Errorf("another key sees the batch: %d", w.Code)
		}
		other := ask(s, "one", "POST", "/jobs", rows).Body.String()
		synctest.Wait()
		if w = ask(s, "one", "GET", "/jobs/"+other, ""); w.Body.String() != "full: come back later\n" {
			t.Errorf("a batch above the limit gets %d %s", w.Code, w.Body)
		}

		time.Sleep(time.Hour) // until it expires, with a third of its rows done
		synctest.Wait()
		lines := slices.Sorted(strings.Lines(ask(s, "one", "GET", "/jobs/"+id, "").Body.String()))
		if notRun := slices.DeleteFunc(slices.Clone(lines), func(l string) bool {
			return !strings.HasSuffix(l, "expired true\n")
		}); len(lines) != 3 || len(notRun) != 2 {
			t.Errorf("results %q, want one and two that did not run", lines)
		}
		ran := 0
		for e, err := range s.Executions() {
			if ran++; err != nil || e.Batch != id {
				t.Errorf("ledger: %+v, %v", e, err)
			}
		}
		if ran != 1 {
			t.Errorf("%d rows in the ledger, want 1", ran)
		}
	})
}

func TestAnotherProtocolNamesItsOwnRoutes(t *testing.T) {
	_, err := newSimulator(Config{Faults: []Fault{{Route: "POST /v1/batches", Action: ActionFail}}}, inline{})
	if err == nil || !strings.Contains(err.Error(), "none that the simulator serves") {
		t.Errorf("a route of OpenAI is accepted: %v", err)
	}
	_, err = newSimulator(Config{Faults: []Fault{{Route: "GET /jobs/{id}", Action: ActionInvalid}}}, inline{})
	if err == nil || !strings.Contains(err.Error(), `must be "POST /jobs"`) {
		t.Errorf("a batch is invalid by a route that creates none: %v", err)
	}
}
