package httpclient

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/retry"
)

// A second's calls may begin at once, then they are spread.
func TestCallsBeginAtTheirPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New("https://host", bearer, 10, canned{200, func(context.Context) io.Reader { return strings.NewReader("{}") }})
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

// A call whose turn would come after its deadline is not made, so nothing has
// happened.
func TestACallThatWouldComeTooLateIsNotMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New("https://host", bearer, 1, canned{200, func(context.Context) io.Reader { return strings.NewReader("{}") }})
		if err != nil {
			t.Fatal(err)
		}
		create := anyCall
		create.Effect, create.Timeout = retry.Create, 500*time.Millisecond
		if err := c.Do(t.Context(), create, nil); err != nil {
			t.Fatal(err)
		}
		if err := c.Do(t.Context(), create, nil); retry.ClassOf(err) != retry.Retryable {
			t.Errorf("error %v", err)
		}
	})
}
