package simulator

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"os"
	"strings"
	"time"
)

// Request is an entry of the request log.
type Request struct {
	Time       time.Time         `json:"time"` // on the simulator's clock, when it was answered
	Method     string            `json:"method"`
	Route      string            `json:"route"` // the pattern that matched, as in Fault
	Path       string            `json:"path"`  // with the query
	Header     map[string]string `json:"header"`
	BodyBytes  int64             `json:"body_bytes"` // as far as it was read
	BodySHA256 string            `json:"body_sha256"`
	Status     int               `json:"status"`          // 0 if it was not answered
	Fault      Action            `json:"fault,omitempty"` // the fault it met
}

// Requests yields the requests to the provider that were dealt with, in the
// order of their answers, since the state directory was made. A non-nil error
// is the last thing it yields.
func (s *Simulator) Requests() iter.Seq2[Request, error] {
	return readLines[Request](s.log.file.Name())
}

// A requestLog appends to a file.
type requestLog struct{ file *os.File }

func openRequestLog(path string) (*requestLog, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("simulator: open request log: %w", err)
	}
	return &requestLog{f}, nil
}

// append writes an entry at once and in one piece, so that entries of
// concurrent requests do not mix.
func (l *requestLog) append(entry Request) error {
	line, err := json.Marshal(entry)
	if err == nil {
		_, err = l.file.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("simulator: write request log: %w", err)
	}
	return nil
}

func (l *requestLog) close() error { return l.file.Close() }

// publicHeader is a request's header without what is secret.
func publicHeader(h http.Header) map[string]string {
	public := make(map[string]string, len(h))
	for name, values := range h {
		switch name {
		case "Authorization", "Proxy-Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "Cookie":
		default:
			public[name] = strings.Join(values, ", ")
		}
	}
	return public
}
