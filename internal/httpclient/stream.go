package httpclient

import (
	"context"
	"fmt"
	"io"
)

// stream is the body of a large reply. A read that fails leaves what was read
// good; the rest has to be asked for again.
type stream struct {
	body   io.Closer
	hidden io.Reader // without the credentials
	cancel context.CancelCauseFunc
	fit    func(error) error // of the client
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.hidden.Read(p)
	if err == nil || err == io.EOF { // as in wire
		return n, err
	}
	return n, s.fit(classified(fmt.Errorf("read reply: %w", err)))
}

func (s *stream) Close() error {
	defer s.cancel(nil)
	return s.body.Close()
}
