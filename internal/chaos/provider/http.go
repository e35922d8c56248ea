package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// call is a request on its way: its name, whom it is about, and what serves it.
type call struct {
	name, target string
	serve        func(http.ResponseWriter, *http.Request)
}

func on(id string, do func(http.ResponseWriter, *http.Request, string)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) { do(w, r, id) }
}

// ServeHTTP implements http.Handler: it serves a call, or does it a wrong.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := s.front.route(r)
	if !s.front.admits(w, r) {
		return
	}
	action, wait := s.draw(c)
	if c.name == "create" || c.name == "upload" || c.name == "content" || c.name == "cancel" || c.name == "delete" {
		s.say(c.name + " begins")
		defer s.say(c.name + " ended")
	}
	s.act(action, wait, c, w, r)
}

// draw draws the fault of a call, and how long it takes if it takes long.
func (s *server) draw(c call) (action string, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(time.Now())
	for _, a := range actions[s.plan.Protocol][c.name] {
		if s.dice.roll(Kind(c.name+a), c.target) {
			return a, s.dice.between(200*time.Millisecond, 1500*time.Millisecond)
		}
	}
	return "", 0
}

const page = "<!DOCTYPE html>\n<html><head><title>Maintenance</title></head>\n<body>We will be back soon.</body></html>\n"

// act serves a call with a fault.
func (s *server) act(action string, wait time.Duration, c call, w http.ResponseWriter, r *http.Request) {
	switch action {
	case "":
		c.serve(w, r)
	case reset:
		hangUp(w)
	case before:
		unavailable(w)
	case tooMany:
		w.Header().Set("Retry-After", strconv.FormatFloat(wait.Seconds()/2, 'f', 2, 64))
		s.front.refuse(w, 429, c.target)
	case denied:
		s.front.refuse(w, 401, c.target)
	case overloaded:
		s.front.refuse(w, 529, c.target)
	case absent:
		s.front.refuse(w, 404, c.target)
	case badFile:
		badInput(w)
	case html:
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(page))
	default:
		s.spoil(action, wait, c, w, r)
	}
}

// spoil serves a call and spoils the reply.
func (s *server) spoil(action string, wait time.Duration, c call, w http.ResponseWriter, r *http.Request) {
	reply := httptest.NewRecorder()
	c.serve(reply, r)
	body := reply.Body.Bytes()
	header := w.Header()
	maps.Copy(header, reply.Header())
	switch action {
	case lost:
		hangUp(w)
	case after:
		header.Del("Content-Type")
		unavailable(w)
	case htmlAfter:
		header.Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(page))
	case empty:
		w.WriteHeader(reply.Code)
	case slow:
		pause(r, wait)
		w.WriteHeader(reply.Code)
		_, _ = w.Write(body)
	case trickle:
		w.WriteHeader(reply.Code)
		drip(w, r, body, wait)
	case torn:
		header.Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(reply.Code)
		_, _ = w.Write(body[:len(body)*2/3])
		flush(w)
		hangUp(w)
	case cut:
		w.WriteHeader(reply.Code)
		_, _ = w.Write(body[:len(body)*2/3])
	case cutLine:
		w.WriteHeader(reply.Code)
		_, _ = w.Write(body[:bytes.LastIndexByte(body[:len(body)*2/3], '\n')+1])
	case bom:
		w.WriteHeader(reply.Code)
		_, _ = w.Write(append([]byte("\xef\xbb\xbf"), body...))
	default:
		panic("unknown action " + action)
	}
}

// drip writes a body in twenty pieces.
func drip(w http.ResponseWriter, r *http.Request, body []byte, whole time.Duration) {
	step := len(body)/20 + 1
	for len(body) > 0 {
		n := min(step, len(body))
		if _, err := w.Write(body[:n]); err != nil {
			return
		}
		flush(w)
		body = body[n:]
		pause(r, whole/20)
	}
}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// pause waits, unless the client is gone.
func pause(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// hangUp ends the connection with a reset.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func unavailable(w http.ResponseWriter) {
	w.WriteHeader(http.StatusBadGateway)
	_, _ = w.Write([]byte("<html><body>502 Bad Gateway</body></html>"))
}

func reply(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Request-Id", fmt.Sprintf("req_%p", &b))
	w.WriteHeader(status)
	_, _ = w.Write(append(bytes.TrimSpace(b), '\n'))
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func unix(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}
