package httpclient

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/retry"
)

// slow gives a piece after each pause, until left is zero.
type slow struct {
	ctx   context.Context
	piece int
	pause time.Duration
	left  int64
}

func (s *slow) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	timer := time.NewTimer(s.pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
		return 0, context.Cause(s.ctx)
	}
	n := min(len(p), s.piece, int(s.left))
	s.left -= int64(n)
	return n, nil
}

func slowClient(t *testing.T, piece int, pause time.Duration, size int64) *Client {
	t.Helper()
	c, err := newClient("https://host", bearer, Evenly(50), canned{200, func(ctx context.Context) io.Reader {
		return &slow{ctx, piece, pause, size}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// drain reads all of a stream, as its readers do.
func drain(t *testing.T, c *Client) (n int64, took time.Duration, err error) {
	t.Helper()
	start := time.Now()
	body, err := c.Stream(t.Context(), anyCall)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	r := bufio.NewReaderSize(body, 256<<10)
	for err == nil {
		var piece int
		_, err = r.Peek(1)
		piece, _ = r.Discard(r.Buffered())
		n += int64(piece)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, time.Since(start), err
}

// However a reply trickles, it does not last.
func TestTricklingStreamIsGivenUp(t *testing.T) {
	for name, test := range map[string]struct {
		piece int
		pause time.Duration
	}{
		"a byte every 30 s":  {1, 30 * time.Second},
		"a byte a second":    {1, time.Second},
		"500 bytes a second": {500, time.Second},
		"50 KiB every 50 s":  {50 << 10, 50 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, took, err := drain(t, slowClient(t, test.piece, test.pause, 1<<40))
			if !errors.Is(err, errIdle) || retry.ClassOf(err) != retry.Retryable || took > time.Minute {
				t.Errorf("%s: %v after %s", name, err, took)
			}
		})
	}
}

// What came fast before buys a trickle no time.
func TestStreamThatBeginsToTrickleIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const fast = 100 << 20
		c, err := newClient("https://host", bearer, Evenly(50), canned{200, func(ctx context.Context) io.Reader {
			return io.MultiReader(&slow{ctx, 1 << 20, 0, fast}, &slow{ctx, 1, 30 * time.Second, 1 << 40})
		}})
		if err != nil {
			t.Fatal(err)
		}
		if n, took, err := drain(t, c); n < fast || !errors.Is(err, errIdle) || took > time.Minute {
			t.Errorf("%d bytes, %v after %s", n, err, took)
		}
	})
}

// A file of any size gets through a slow line: this one takes 13 hours.
func TestSlowStreamGetsThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 64 << 20
		if n, took, err := drain(t, slowClient(t, 32<<10, 23*time.Second, size)); n != size || err != nil || took < 13*time.Hour {
			t.Errorf("%d bytes in %s, %v", n, took, err)
		}
	})
}

// taking reads the body of a request in pieces, with a pause after each.
type taking struct {
	piece int
	pause time.Duration
}

func (s taking) RoundTrip(r *http.Request) (*http.Response, error) {
	defer r.Body.Close()
	for buf := make([]byte, s.piece); ; {
		_, err := io.ReadFull(r.Body, buf)
		if err != nil {
			return canned{200, func(context.Context) io.Reader { return bytes.NewReader([]byte("{}")) }}.RoundTrip(r)
		}
		timer := time.NewTimer(s.pause)
		select {
		case <-timer.C:
		case <-r.Context().Done():
			timer.Stop()
			return nil, context.Cause(r.Context())
		}
	}
}

func TestServerThatTakesNextToNothingIsGivenUp(t *testing.T) {
	for name, test := range map[string]struct {
		server taking
		want   error
		most   time.Duration
	}{
		"a byte a second":     {taking{1, time.Second}, errIdle, time.Minute},
		"one byte and no two": {taking{1, 24 * time.Hour}, errIdle, time.Minute},
		"2 KiB a second":      {taking{32 << 10, 16 * time.Second}, nil, 9 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, err := newClient("https://host", bearer, Evenly(50), test.server)
			if err != nil {
				t.Fatal(err)
			}
			const size = 1 << 20
			call := Call{Method: "POST", Path: "/files", Body: io.NopCloser(bytes.NewReader(make([]byte, size))), Size: size, Timeout: time.Hour}
			start := time.Now()
			err = c.Do(t.Context(), call, nil)
			if took := time.Since(start); !errors.Is(err, test.want) || took > test.most {
				t.Errorf("%s: %v after %s", name, err, took)
			}
		})
	}
}

// Reading the disk is not the server's fault.
func TestSlowBodyIsNotTheServersFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := newClient("https://host", bearer, Evenly(50), taking{1, 0})
		if err != nil {
			t.Fatal(err)
		}
		call := Call{Method: "POST", Path: "/files", Body: io.NopCloser(&slow{t.Context(), 1, 10 * time.Minute, 5}), Size: 5, Timeout: time.Hour}
		if err := c.Do(t.Context(), call, nil); err != nil {
			t.Error(err)
		}
	})
}
