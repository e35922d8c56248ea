package durable

import (
	"bytes"
	"context"
	"fmt"
	"os"
)

// stream is the Output that StreamTo returns.
type stream struct {
	f    *os.File
	sync bool
	buf  bytes.Buffer
}

var _ Output = (*stream)(nil)

// StreamTo returns an Output that writes JSON lines to a pipe, a terminal or
// standard output, where nothing can be taken back. Each result is delivered at
// least once. A later run does not write a result again that is recorded as
// delivered, but it may repeat results that were written just before a crash.
//
// The caller closes f. StreamTo refuses
// a directory, a disk, and a closed or read-only file, so that nothing is
// bought for an output that cannot take results. A regular file is locked; the
// error is ErrOutputInUse if another process holds the lock.
func StreamTo(f *os.File) (Output, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("durable: output: %w", err)
	}
	mode := info.Mode()
	if mode.IsDir() || mode&os.ModeDevice != 0 && mode&os.ModeCharDevice == 0 {
		return nil, fmt.Errorf("durable: output %s is a directory or a disk: name a file", f.Name())
	}
	if _, err := f.Write(nil); err != nil {
		return nil, fmt.Errorf("durable: output cannot be written: %w", err)
	}
	if mode.IsRegular() {
		switch free, err := lockOutput(f); {
		case err != nil:
			return nil, fmt.Errorf("durable: lock output %s: %w", f.Name(), err)
		case !free:
			return nil, fmt.Errorf("%w: %s", ErrOutputInUse, f.Name())
		}
	}
	return &stream{f: f, sync: mode.IsRegular()}, nil
}

// Write implements Output. If ctx ends while the reader takes no lines, it
// returns at once. The rest may still be written later, so the stream must not
// be used again.
func (s *stream) Write(ctx context.Context, results []Result) error {
	s.buf.Reset()
	for i := range results {
		if err := results[i].WriteLine(&s.buf); err != nil {
			return fmt.Errorf("durable: write output: %w", err)
		}
	}
	written := make(chan error, 1)
	go func() { written <- s.flush() }()
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *stream) flush() error {
	_, err := s.f.Write(s.buf.Bytes())
	if err == nil && s.sync {
		err = s.f.Sync()
	}
	if err != nil {
		return fmt.Errorf("durable: write output: %w", err)
	}
	return nil
}
