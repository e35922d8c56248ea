package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strings"
)

// ServeHTTP serves the APIs of the providers and, under /_simulator/, the
// control endpoints.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		s.control.ServeHTTP(w, r)
		return
	}
	if lost := s.serveLogged(w, r); lost {
		reset(w)
	}
}

// serveLogged serves a request to a provider and logs it, before anything of
// the answer leaves: a client that has all of it may look into the log. It
// reports whether a fault wants the connection broken.
func (s *Simulator) serveLogged(w http.ResponseWriter, r *http.Request) (lost bool) {
	body := &countedBody{ReadCloser: r.Body, hash: sha256.New()}
	r.Body = body
	m, inner := s.find(r)
	if err := s.failure(); err != nil {
		m.protocol.WriteError(w, http.StatusInternalServerError, "", err.Error())
		return false
	}
	route := m.routeName(m.router.find(inner))
	fault := s.faults.next(route)
	answer := &statusWriter{ResponseWriter: w}
	answer.begins = func() { s.record(r, route, fault, body, answer.status) }
	defer answer.begin(0) // unless it was answered
	m.protocol.SetHeader(answer.Header())
	if fault != nil {
		return m.inject(*fault, answer, inner)
	}
	m.router.mux.ServeHTTP(answer, inner)
	return false
}

// record enters a request that was dealt with into the log.
func (s *Simulator) record(r *http.Request, route string, fault *Fault, body *countedBody, status int) {
	entry := Request{
		Time: s.clock.now(), Method: r.Method, Route: route, Path: publicPath(r.URL),
		Host: r.Host, Header: publicHeader(r.Header), Secret: hasSecret(r), Status: status,
		BodyBytes: body.bytes, BodySHA256: hex.EncodeToString(body.hash.Sum(nil)),
	}
	if fault != nil {
		entry.Fault = fault.Action
	}
	if err := s.log.append(entry); err != nil {
		s.fail(err)
	}
}

// countedBody measures a request body as it is read.
type countedBody struct {
	io.ReadCloser
	hash  hash.Hash
	bytes int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	_, _ = b.hash.Write(p[:n])
	b.bytes += int64(n)
	return n, err
}

// statusWriter remembers the status of an answer; 0 if there was none.
type statusWriter struct {
	http.ResponseWriter
	status int
	begins func() // called once, before the answer leaves or if there is none
}

// begin notes the status, unless there is one.
func (w *statusWriter) begin(status int) {
	if w.begins == nil {
		return
	}
	begins := w.begins
	w.status, w.begins = status, nil
	begins()
}

func (w *statusWriter) WriteHeader(status int) {
	w.begin(status)
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// ReadFrom lets the kernel copy a file into the connection.
func (w *statusWriter) ReadFrom(in io.Reader) (int64, error) {
	w.begin(http.StatusOK)
	return io.Copy(w.ResponseWriter, in)
}
