package httpclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/retry"
)

// canned is a transport that answers at once with one body.
type canned struct {
	status int
	body   func(context.Context) io.Reader
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: c.status, Header: http.Header{}, ContentLength: -1,
		Body: io.NopCloser(c.body(r.Context())), Request: r,
	}, nil
}

// dripping sends a byte after each pause and then falls silent.
type dripping struct {
	ctx    context.Context
	pauses []time.Duration
}

func (d *dripping) Read(p []byte) (int, error) {
	if len(d.pauses) == 0 {
		<-d.ctx.Done()
	}
	if d.ctx.Err() != nil {
		return 0, context.Cause(d.ctx)
	}
	time.Sleep(d.pauses[0])
	d.pauses = d.pauses[1:]
	return copy(p, "."), nil
}

func dripClient(t *testing.T, status int, pauses ...time.Duration) *Client {
	t.Helper()
	c, err := newClient("https://host", bearer, Evenly(50), canned{status, func(ctx context.Context) io.Reader { return &dripping{ctx, pauses} }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSilentServerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		body, err := dripClient(t, 200, 20*time.Second, 20*time.Second).Stream(t.Context(), anyCall)
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		got, err := io.ReadAll(body)
		if string(got) != ".." || !errors.Is(err, errIdle) || retry.ClassOf(err) != retry.Retryable {
			t.Errorf("%q, %v", got, err)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("after %s", took)
		}
	})
}

func TestSlowReaderIsNotTheServersFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body, err := dripClient(t, 200, 0, 0).Stream(t.Context(), anyCall)
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		for range 2 {
			if _, err := io.ReadFull(body, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
	})
}

func TestSilenceWithinAnErrorIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := dripClient(t, 500).Stream(t.Context(), anyCall)
		if retry.ClassOf(err) != retry.Retryable {
			t.Error(err)
		}
	})
}

func TestCallHasATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		call := anyCall
		call.Timeout = 90 * time.Second
		err := dripClient(t, 200).Do(t.Context(), call, nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != call.Timeout {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestReadAfterCancelTellsTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		body, err := dripClient(t, 200).Stream(ctx, anyCall)
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		cause := errors.New("enough")
		cancel(cause)
		if _, err := io.ReadAll(body); !errors.Is(err, cause) {
			t.Error(err)
		}
	})
}

func TestTruncatedStreamIsRetryable(t *testing.T) {
	got, err := read(t, serve(t, truncated("half of it")))
	if string(got) != "half of it" || retry.ClassOf(err) != retry.Retryable {
		t.Errorf("%q, %v", got, err)
	}
	if !strings.Contains(err.Error(), "read reply") {
		t.Error(err)
	}
}
