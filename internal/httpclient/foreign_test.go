package httpclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
)

// foreign are errors of other calls, each of which may end the context of this
// one.
func foreign() []error {
	return []error{
		&retry.Error{Class: retry.Blocked, Status: 401},
		&retry.Error{Class: retry.Permanent, Status: 404},
		fmt.Errorf("download: %w", errTooLarge),
		retry.Mark(io.EOF, retry.Blocked),
		fmt.Errorf("elsewhere: %w", &tls.CertificateVerificationError{Err: errors.New("expired")}),
	}
}

// A call that another one interrupts has the class that suits how far it got.
func TestNoCallTakesTheClassOfAnother(t *testing.T) {
	for name, begun := range map[string]string{"before a reply": "", "within a reply": `{"id":"batch`} {
		for effect, want := range map[retry.Effect]retry.Class{retry.EffectCreate: retry.Ambiguous, retry.EffectIdempotent: retry.Retryable} {
			for _, cause := range foreign() {
				ctx, release := context.WithCancelCause(t.Context())
				c := serve(t, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if begun != "" {
						_, _ = io.WriteString(w, begun)
						_ = http.NewResponseController(w).Flush()
					}
					release(cause)
					<-r.Context().Done()
				})
				err := c.Do(ctx, Call{Method: "POST", Path: "/batches", Effect: effect, JSON: 1}, new(any))
				if got := retry.ClassIn(ctx, err); got != want || got != retry.ClassOf(err) {
					t.Errorf("%s, effect %d, ended by %v: %s, want %s: %v", name, effect, cause, got, want, err)
				}
			}
		}
	}
}

func TestACallThatIsNotSentTakesNoClassEither(t *testing.T) {
	c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	for _, cause := range foreign() {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		err := c.Do(ctx, Call{Method: "POST", Path: "/batches", Effect: retry.EffectCreate, JSON: 1}, nil)
		if retry.ClassOf(err) != retry.Retryable {
			t.Errorf("ended by %v: %v", cause, err)
		}
	}
}

// Nor is a stream at its end because another one was.
func TestAStreamThatIsInterruptedIsNotAtItsEnd(t *testing.T) {
	for _, cause := range foreign() {
		ctx, cancel := context.WithCancelCause(t.Context())
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "line\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		body, err := c.Stream(ctx, Call{Method: "GET", Path: "/content"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(body, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		cancel(cause)
		if _, err := io.ReadAll(body); retry.ClassOf(err) != retry.Retryable {
			t.Errorf("ended by %v: %v", cause, err)
		}
		_ = body.Close()
	}
}

// failing is what is to be sent, and cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
func (failing) Close() error               { return nil }

// What is to be sent may say of itself that sending it again is no use. Its last
// bytes do not leave then, so that nothing has happened.
func TestABodyThatCannotBeReadGivesTheCallItsClass(t *testing.T) {
	damaged := retry.Mark(errors.New("row 7 is damaged"), retry.Permanent)
	for _, test := range []struct {
		effect retry.Effect
		size   int64
	}{
		{retry.EffectCreate, 1 << 20},
		{retry.EffectCreate, 2 << 20},
		{retry.EffectIdempotent, 1 << 20},
		{retry.EffectIdempotent, 2 << 20},
	} {
		c := serve(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
		body := io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), failing{damaged}))
		err := c.Do(t.Context(), Call{Method: "POST", Path: "/files", Effect: test.effect, Body: body, Size: test.size}, nil)
		if retry.ClassOf(err) != retry.Permanent || !errors.Is(err, damaged) {
			t.Errorf("effect %d, %d bytes announced: %v", test.effect, test.size, err)
		}
	}
}
