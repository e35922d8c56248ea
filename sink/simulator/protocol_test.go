package simulator

import (
	"encoding/json"
	"errors"
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

func (inline) Info() protocol.Info { return protocol.Info{} }

func (inline) Routes() []protocol.Route {
	return []protocol.Route{
		{Pattern: "POST /jobs", Kind: protocol.RouteCreate, Serve: inline{}.create},
		{Pattern: "GET /jobs/{id}", Kind: protocol.RouteDownload, Serve: inline{}.results},
		{Pattern: "DELETE /jobs/{id}", Serve: inline{}.delete},
		{Pattern: "GET /jobs/{id}:where", Serve: inline{}.where},
		{Pattern: "POST /jobs/{id}:stop", Serve: inline{}.stop},
		{Pattern: "/", Serve: inline{}.unknown},
	}
}

func (inline) SetHeader(h http.Header) { h.Set("Trace", protocol.NewID("")) }

func (inline) WriteError(w http.ResponseWriter, status int, code, message string) {
	http.Error(w, code+": "+message, status)
}

// session returns nil if it has replied.
func (p inline) session(all protocol.Provider, w http.ResponseWriter, r *http.Request) protocol.Session {
	s, err := all.Session(r, r.Header.Get("Key"), r.Header.Get("Scope"))
	if err != nil {
		p.WriteError(w, http.StatusForbidden, "forbidden", "another key")
		return nil
	}
	return s
}

func (p inline) unknown(_ protocol.Provider, w http.ResponseWriter, _ *http.Request) {
	p.WriteError(w, http.StatusTeapot, "unknown", "no such path")
}

// where replies with the URLs of a job.
func (p inline) where(all protocol.Provider, w http.ResponseWriter, r *http.Request) {
	if s := p.session(all, w, r); s != nil {
		path := "/jobs/" + r.PathValue("id")
		_, _ = io.WriteString(w, s.URL(path)+" "+s.ResultURL(path))
	}
}

func (p inline) stop(all protocol.Provider, w http.ResponseWriter, r *http.Request) {
	if s := p.session(all, w, r); s != nil {
		b, _ := s.Batch(r.PathValue("id"))
		if _, err := s.CancelBatch(b); err != nil {
			panic(err)
		}
	}
}

func (p inline) delete(all protocol.Provider, w http.ResponseWriter, r *http.Request) {
	if s := p.session(all, w, r); s != nil {
		b, _ := s.Batch(r.PathValue("id"))
		if err := s.DeleteBatch(b); err != nil {
			panic(err)
		}
	}
}

func (p inline) create(all protocol.Provider, w http.ResponseWriter, r *http.Request) {
	s := p.session(all, w, r)
	if s == nil {
		return
	}
	input := protocol.File{Identity: protocol.Identity{ID: protocol.NewID("input-")}, Hidden: true}
	rows := 0
	_, err := s.ReceiveLines(input.ID, func(yield func([]byte, error) bool) {
		_, err := scan.Extract(r.Body, func(row []byte) error {
			if rows++; !yield(row, nil) {
				return io.ErrClosedPipe
			}
			return nil
		}, "rows")
		if err != nil {
			yield(nil, err)
		}
	})
	if err == nil {
		_, err = s.AddFile(input)
	}
	var b protocol.Batch
	if err == nil {
		b, err = s.AddBatch(protocol.Batch{
			Identity: protocol.Identity{ID: protocol.NewID("job-")}, InputFile: input.ID, Declared: rows,
			Ordered: r.URL.Query().Has("ordered"), OutputFile: protocol.NewID("all-"),
			Data: json.RawMessage(`{"by":"inline"}`),
		}, time.Hour)
	}
	if full, isFull := errors.AsType[*protocol.RefusalError](err); isFull {
		p.WriteError(w, http.StatusTooManyRequests, string(full.Cause), "come back later")
		return
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
	if f, exists := s.File(b.OutputFile); exists {
		in, err := s.Open(f)
		if err != nil {
			panic(err)
		}
		_, _ = io.Copy(w, in)
		_ = in.Close()
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

func (inline) Full(*protocol.RefusalError) protocol.LineError {
	return protocol.LineError{Code: "full", Message: "come back later"}
}

func (inline) ParseRequest(body []byte) protocol.Request { return question(body) }

func (inline) Rows(protocol.Batch) protocol.Rows { return inlineRows{} }

type question []byte

func (q question) Prompt() string                 { s, _ := scan.Unquote(q); return s }
func (q question) Schema() *protocol.Schema       { return nil }
func (q question) MaxTokens() int64               { return 0 }
func (q question) Documents() []protocol.Document { return nil }

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

func (inlineRows) ResultFile(protocol.ResultKind, time.Time) protocol.File {
	return protocol.File{Hidden: true}
}

// two are protocols of which inline is at the root.
var two = map[string]protocol.Protocol{"inline": inline{}, "openai": protocols["openai"]}

// ask sends a request in memory.
func ask(s *Simulator, key, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(s.ctx, method, path, strings.NewReader(body))
	r.Header.Set("Key", key)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestAnotherProtocolSharesTheRest(t *testing.T) {
	const rows = `{"rows":[{"key":"a","ask":"invoice"},{"key":"b",` + "\n" + `"ask":"[[400]]"},{"key":"c","ask":"login"}]}`
	synctest.Test(t, func(t *testing.T) {
		s, err := newSimulator(Config{
			Provider: "inline",
			Keys:     []string{"one", "two"},
			Latency:  Latency{Processing: 3 * time.Hour},
			Limits:   Limits{EnqueuedTokens: 30},
			Faults:   []Fault{{Route: "POST /jobs", Action: ActionFail, Status: 529, Code: "busy"}},
		}, two)
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
	_, err := newSimulator(Config{Provider: "inline", Faults: []Fault{{Route: "POST /v1/batches", Action: ActionFail}}}, two)
	if err == nil || !strings.Contains(err.Error(), "none that the simulator serves") {
		t.Errorf("a route of OpenAI is accepted: %v", err)
	}
	_, err = newSimulator(Config{Provider: "inline", Faults: []Fault{{Route: "GET /jobs/{id}", Action: ActionInvalid}}}, two)
	if err == nil || !strings.Contains(err.Error(), `must be "POST /jobs" or "POST /openai/v1/batches"`) {
		t.Errorf("a batch is invalid by a route that creates none: %v", err)
	}
}
