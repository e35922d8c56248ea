package httpclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
)

// rowsThen is a body that ends in an error of its own after some bytes.
type rowsThen struct {
	io.Reader
	err error
}

func (b *rowsThen) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = b.err
	}
	return n, err
}

func (b *rowsThen) Close() error { return nil }

// A server that was announced more than it gets has not made anything.
func TestACreateWhoseBodyWasCutShortDidNotHappen(t *testing.T) {
	const announced = 4 << 20
	const sent = 1 << 20
	errRows := retry.Mark(errors.New("a row cannot be read"), retry.Permanent)
	create := func(c *Client, ctx context.Context, size int, last error) error {
		return c.Do(ctx, Call{
			Method: "POST", Path: "/batches", Effect: retry.EffectCreate, ContentType: "application/json",
			Body: &rowsThen{strings.NewReader(strings.Repeat(" ", size)), last}, Size: announced,
		}, nil)
	}
	got := make(chan int64, 1)
	count := func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		got <- n
		panic(http.ErrAbortHandler)
	}

	t.Run("by its rows", func(t *testing.T) {
		err := create(serve(t, count), t.Context(), sent, errRows)
		if retry.ClassOf(err) != retry.Permanent || !errors.Is(err, errRows) {
			t.Error(err)
		}
		if n := <-got; n >= announced {
			t.Errorf("the server got %d bytes", n)
		}
	})
	t.Run("by the end of its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		wait := &waiting{first: strings.NewReader(strings.Repeat(" ", sent)), then: cancel, until: ctx}
		err := serve(t, count).Do(ctx, Call{
			Method: "POST", Path: "/batches", Effect: retry.EffectCreate, Body: wait, Size: announced,
		}, nil)
		if retry.ClassOf(err) != retry.Retryable || !errors.Is(err, retry.ErrCutShort) {
			t.Error(err)
		}
		<-got
	})
	t.Run("by the server", func(t *testing.T) {
		c := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		err := c.Do(t.Context(), Call{
			Method: "POST", Path: "/batches", Effect: retry.EffectCreate, Size: 1 << 30,
			Body: &rowsThen{io.LimitReader(endless{}, 1<<30), io.EOF},
		}, nil)
		if retry.ClassOf(err) != retry.Retryable || !errors.Is(err, retry.ErrCutShort) {
			t.Error(err)
		}
	})
	t.Run("by what comes after its last byte", func(t *testing.T) {
		err := create(serve(t, count), t.Context(), announced, errRows)
		if retry.ClassOf(err) != retry.Permanent || !errors.Is(err, errRows) {
			t.Error(err)
		}
		if n := <-got; n >= announced {
			t.Errorf("the server got %d bytes", n)
		}
	})
	t.Run("by its length", func(t *testing.T) {
		err := create(serve(t, count), t.Context(), announced+1, io.EOF)
		if retry.ClassOf(err) != retry.Permanent || !strings.Contains(err.Error(), "longer than was announced") {
			t.Error(err)
		}
		if n := <-got; n >= announced {
			t.Errorf("the server got %d bytes", n)
		}
	})
	t.Run("not at all", func(t *testing.T) { // all of it left, so nobody knows
		err := create(serve(t, count), t.Context(), announced, io.EOF)
		if retry.ClassOf(err) != retry.Ambiguous || errors.Is(err, retry.ErrCutShort) {
			t.Error(err)
		}
		if n := <-got; n != announced {
			t.Errorf("the server got %d bytes", n)
		}
	})
}

// waiting is a body that calls then after its first bytes, and has no more
// until the context is done.
type waiting struct {
	first io.Reader
	then  func()
	until context.Context //nolint:containedctx // of the one test that it is made for
}

func (w *waiting) Read(p []byte) (int, error) {
	if n, err := w.first.Read(p); err == nil {
		return n, nil
	}
	w.then()
	<-w.until.Done()
	return 0, io.ErrClosedPipe
}

func (w *waiting) Close() error { return nil }

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
