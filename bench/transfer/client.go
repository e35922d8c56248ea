package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/llm"
)

// beClient sends and reads a batch, and prints what that took.
func beClient(ctx context.Context) error {
	p, known := catalog.Find(*names)
	if !known {
		return fmt.Errorf("provider %q is not known", *names)
	}
	wire := &recorder{dir: *dir}
	provider, err := p.Connect(apiKey, catalog.Config{BaseURL: *client, Transport: wire, Retry: retry.Policy{MaxAttempts: 1}})
	if err != nil {
		return err
	}
	spec := sink.Spec{Tag: "transfer00000001", Endpoint: p.Codec.Endpoint(), Model: p.Models[0] + "x"}
	batch, err := newRows(&p, spec)
	if err != nil {
		return err
	}
	if err := provider.Check(ctx); err != nil { // so that connections are there
		return err
	}
	var m measurement
	h, err := m.Up.send(ctx, provider, spec, batch)
	if err != nil {
		return err
	}
	sent := wire.take()
	m.Up.Bytes = sent.sent
	if err := awaitEnd(ctx, provider, h); err != nil {
		return err
	}
	if m.Rows, err = m.Down.read(ctx, provider, h); err != nil {
		return err
	}
	read := wire.take()
	m.Down.Bytes = read.read
	if m.Down.PlainSeconds, err = exchangePlain(read.request.Clone(ctx)); err != nil {
		return err
	}
	if m.Up.PlainSeconds, err = wire.sendAgain(ctx, sent, provider, spec, batch); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}

// newRows returns rows that ask the same but for their number.
func newRows(p *catalog.Provider, spec sink.Spec) (sink.Rows, error) {
	const mark = "00000000"
	text := strings.Repeat("request ", *request/8+1)[:max(*request-len(mark), 0)] + mark
	body, err := p.Codec.Encode(spec.Model, llm.Ask(text))
	if err != nil {
		return nil, err
	}
	at := bytes.Index(body, []byte(mark))
	return func(yield func(sink.Row, error) bool) {
		for i := range *rows {
			number := fmt.Sprintf("%08d", i)
			copy(body[at:], number)
			if !yield(sink.Row{ID: spec.Tag + "_" + number, Body: body}, nil) {
				return
			}
		}
	}, nil
}

// send uploads and creates a batch.
func (s *side) send(ctx context.Context, p sink.Provider, spec sink.Spec, rows sink.Rows) (h sink.Handle, err error) {
	m := newMeter()
	if h.File, err = p.Upload(ctx, spec, rows); err != nil {
		return h, err
	}
	if h.Batch, err = p.Create(ctx, spec, h.File, rows); err != nil {
		return h, err
	}
	s.Seconds, s.Above = m.stop()
	return h, nil
}

func awaitEnd(ctx context.Context, p sink.Provider, h sink.Handle) error {
	for ctx.Err() == nil {
		s, err := p.Status(ctx, h)
		if err != nil || s.Ended {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.NewTimer(100 * time.Millisecond).C:
		}
	}
	return ctx.Err()
}

// read reads the results.
func (s *side) read(ctx context.Context, p sink.Provider, h sink.Handle) (rows int, err error) {
	m := newMeter()
	for o, err := range p.Results(ctx, h) {
		if err != nil {
			return rows, err
		}
		if o.Err != nil {
			return rows, o.Err
		}
		rows++
	}
	s.Seconds, s.Above = m.stop()
	return rows, nil
}

// meter measures time and memory.
type meter struct {
	began time.Time
	idle  int64
}

func newMeter() meter {
	runtime.GC()
	debug.FreeOSMemory()
	return meter{time.Now(), resetPeak()}
}

func (m meter) stop() (seconds float64, above int64) {
	seconds = time.Since(m.began).Seconds()
	if m.idle < 0 {
		return seconds, -1
	}
	return seconds, peak() - m.idle
}

// recorder is a transport that remembers the largest exchange. It may keep a
// body in a file instead of sending it.
type recorder struct {
	dir     string
	largest exchange
	keep    int64         // the length of that body, 0 for none
	kept    *http.Request // whose body it was
}

type exchange struct {
	request    *http.Request
	sent, read int64
}

// take returns the largest exchange since it was called last.
func (r *recorder) take() (e exchange) {
	e, r.largest = r.largest, e
	return e
}

var errKept = errors.New("it was kept, and not sent")

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	if q.ContentLength > 0 && q.ContentLength == r.keep {
		r.kept = q
		return nil, errors.Join(r.keepBody(q.Body), errKept)
	}
	reply, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	reply.Body = &counted{reply.Body, exchange{request: q, sent: max(q.ContentLength, 0)}, r}
	return reply, nil
}

// counted counts what is read of a reply.
type counted struct {
	io.ReadCloser
	e exchange
	r *recorder
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.e.read += int64(n)
	return n, err
}

func (c *counted) Close() error {
	if c.e.sent+c.e.read > c.r.largest.sent+c.r.largest.read {
		c.r.largest = c.e
	}
	return c.ReadCloser.Close()
}

func (r *recorder) file() string { return filepath.Join(r.dir, "body") }

func (r *recorder) keepBody(body io.Reader) error {
	f, err := os.Create(r.file())
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	return errors.Join(err, f.Close())
}

// sendAgain has the same body made once more, into a file, and sends that with
// io.Copy alone.
func (r *recorder) sendAgain(ctx context.Context, e exchange, p sink.Provider, spec sink.Spec, rows sink.Rows) (seconds float64, err error) {
	spec.Tag = spec.Tag[:len(spec.Tag)-1] + "2"
	r.keep = e.sent
	file, err := p.Upload(ctx, spec, rows)
	if err == nil {
		_, err = p.Create(ctx, spec, file, rows)
	}
	r.keep = 0
	if r.kept == nil {
		return 0, fmt.Errorf("the body was not made again: %w", err)
	}
	f, err := os.Open(r.file())
	if err != nil {
		return 0, err
	}
	defer f.Close()
	q := r.kept.Clone(ctx)
	q.Body = f
	return exchangePlain(q)
}

// exchangePlain makes a request with nothing but io.Copy.
func exchangePlain(q *http.Request) (seconds float64, err error) {
	began := time.Now()
	reply, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		return 0, err
	}
	defer reply.Body.Close()
	if _, err := io.Copy(io.Discard, reply.Body); err != nil {
		return 0, err
	}
	if reply.StatusCode/100 != 2 {
		return 0, fmt.Errorf("%s %s: HTTP %d", q.Method, q.URL.Path, reply.StatusCode)
	}
	return time.Since(began).Seconds(), nil
}
