package httpclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

const idleTimeout = time.Minute // without a byte of a large reply

var errIdle = errors.New("no data for a minute")

// idleTimer cancels a call when the server falls silent. It is paused while
// nobody waits for the server: the reader may take all the time it needs.
type idleTimer struct {
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func newIdleTimer(cancel context.CancelCauseFunc) idleTimer {
	return idleTimer{time.AfterFunc(idleTimeout, func() { cancel(errIdle) }), cancel}
}

func (t idleTimer) pause()  { t.timer.Stop() }
func (t idleTimer) resume() { t.timer.Reset(idleTimeout) }

// stream is the body of a large reply. A read that fails leaves what was read
// good; the rest has to be asked for again.
type stream struct {
	body    io.Closer
	limited io.Reader
	idle    idleTimer
}

func (s *stream) Read(p []byte) (int, error) {
	s.idle.resume()
	n, err := s.limited.Read(p)
	s.idle.pause()
	if err == nil || err == io.EOF { // as in wire
		return n, err
	}
	return n, classified(fmt.Errorf("read reply: %w", err))
}

func (s *stream) Close() error {
	defer s.idle.cancel(nil)
	return s.body.Close()
}
