package httpclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/balerhq/baler/retry"
)

var errIdle = errors.New("no data for a minute")

// idleReader cancels its call when the server falls silent, and classifies
// read errors: what was read is good, the rest has to be asked for again.
type idleReader struct {
	body   io.ReadCloser
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func newIdleReader(body io.ReadCloser, cancel context.CancelCauseFunc) *idleReader {
	return &idleReader{body: body, cancel: cancel,
		timer: time.AfterFunc(idleTimeout, func() { cancel(errIdle) })}
}

func (r *idleReader) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	if err == nil {
		r.timer.Reset(idleTimeout)
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		return n, io.EOF
	}
	return n, retry.Mark(fmt.Errorf("read reply: %w", err), retry.Retryable)
}

func (r *idleReader) Close() error {
	r.timer.Stop()
	defer r.cancel(nil)
	return r.body.Close()
}
