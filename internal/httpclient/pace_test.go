package httpclient

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/retry"
)

// A second's calls may begin at once, then they are spread.
func TestCallsBeginAtTheirPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := newClient("https://host", bearer, Evenly(10), canned{200, func(context.Context) io.Reader { return strings.NewReader("{}") }})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for range 35 {
			if err := c.Do(t.Context(), anyCall, nil); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 2500*time.Millisecond {
			t.Errorf("35 calls of 10 a second took %s", took)
		}
	})
}

// Calls of one kind do not wait for those of another.
func TestKindsOfCallsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pace := Evenly(1)
		pace[Upload] = 100
		c, err := newClient("https://host", bearer, pace, canned{200, func(context.Context) io.Reader { return strings.NewReader("{}") }})
		if err != nil {
			t.Fatal(err)
		}
		took := func(kind Kind, calls int) time.Duration {
			began := time.Now()
			for range calls {
				call := anyCall
				call.Kind = kind
				if err := c.Do(t.Context(), call, nil); err != nil {
					t.Error(err)
				}
			}
			return time.Since(began)
		}
		var others sync.WaitGroup
		for _, kind := range []Kind{Poll, Delete, Other} {
			for range 50 {
				others.Go(func() { took(kind, 2) }) // which keeps them busy for 99 seconds
			}
		}
		synctest.Wait()
		for kind, want := range map[Kind]time.Duration{Upload: 0, Create: 4 * time.Second, Download: 4 * time.Second, Unpaced: 0} {
			if got := took(kind, 5); got != want {
				t.Errorf("5 calls of kind %d took %s, want %s", kind, got, want)
			}
		}
		others.Wait()
	})
}

// Who waits for its turn has not begun: a minute of that is no timeout.
func TestTheWaitForATurnIsNoPartOfTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := newClient("https://host", bearer, Evenly(1), canned{200, func(context.Context) io.Reader { return strings.NewReader("{}") }})
		if err != nil {
			t.Fatal(err)
		}
		var calls sync.WaitGroup
		for range 150 {
			calls.Go(func() {
				if err := c.Do(t.Context(), anyCall, nil); err != nil {
					t.Error(err)
				}
			})
			calls.Go(func() {
				body, err := c.Stream(t.Context(), anyCall)
				if err != nil {
					t.Error(err)
					return
				}
				body.Close()
			})
		}
		calls.Wait()
	})
}

// A call whose turn would come after the end of its context is not made, so
// nothing has happened.
func TestACallThatWouldComeTooLateIsNotMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := newClient("https://host", bearer, Evenly(1), canned{200, func(context.Context) io.Reader { return strings.NewReader("{}") }})
		if err != nil {
			t.Fatal(err)
		}
		create := anyCall
		create.Effect = retry.EffectCreate
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if err := c.Do(ctx, create, nil); err != nil {
			t.Fatal(err)
		}
		if err := c.Do(ctx, create, nil); retry.ClassOf(err) != retry.Retryable {
			t.Errorf("error %v", err)
		}
	})
}
