package retry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
)

// post makes a call that fails and classifies it.
func post(t *testing.T, ctx context.Context, client *http.Client, url string, effect retry.Effect) error { //nolint:revive // t first, as in all helpers
	t.Helper()
	ctx, sent := retry.Watch(ctx)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(strings.Repeat("x", 1<<20)))
	if err != nil {
		t.Fatal(err)
	}
	reply, err := client.Do(request)
	if err == nil {
		_ = reply.Body.Close()
		t.Fatal("the call went through")
	}
	return retry.Transport(effect, sent.Bool(), err)
}

func TestRefusedConnectionIsRetryableEvenForACreate(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	if err := post(t, t.Context(), http.DefaultClient, "http://"+listener.Addr().String(), retry.EffectCreate); retry.ClassOf(err) != retry.Retryable {
		t.Errorf("%v is %s", err, retry.ClassOf(err))
	}
}

func TestResetAfterSendingIsAmbiguousForACreate(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	for effect, want := range map[retry.Effect]retry.Class{retry.EffectCreate: retry.Ambiguous, retry.EffectIdempotent: retry.Retryable} {
		if err := post(t, t.Context(), server.Client(), server.URL, effect); retry.ClassOf(err) != want {
			t.Errorf("effect %d: %v is %s, want %s", effect, err, retry.ClassOf(err), want)
		}
	}
}

func TestCancelIsAmbiguousOnlyOnceSomethingWasSent(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	if err := post(t, ctx, server.Client(), server.URL, retry.EffectCreate); retry.ClassOf(err) != retry.Ambiguous {
		t.Errorf("cancelled while waiting: %v is %s", err, retry.ClassOf(err))
	}
	if err := post(t, ctx, server.Client(), server.URL, retry.EffectCreate); retry.ClassOf(err) != retry.Retryable {
		t.Errorf("cancelled before sending: %v is %s", err, retry.ClassOf(err))
	}
}

// interrupted is a transport that fails while the body is being sent, as HTTP/2
// does when a call is cancelled.
type interrupted struct{}

func (interrupted) RoundTrip(r *http.Request) (*http.Response, error) {
	httptrace.ContextClientTrace(r.Context()).WroteHeaders()
	return nil, context.Canceled
}

func TestFailureInTheMiddleOfSendingIsAmbiguous(t *testing.T) {
	client := &http.Client{Transport: interrupted{}}
	if err := post(t, t.Context(), client, "http://127.0.0.1", retry.EffectCreate); retry.ClassOf(err) != retry.Ambiguous {
		t.Errorf("%v is %s", err, retry.ClassOf(err))
	}
}

func TestUnknownCertificateIsBlocked(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshake
	server.StartTLS()
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{}}
	if err := post(t, t.Context(), client, server.URL, retry.EffectCreate); retry.ClassOf(err) != retry.Blocked {
		t.Errorf("%v is %s", err, retry.ClassOf(err))
	}
}

// What ends a context may be the error of another call. An interrupted call
// returns it, and is not answered by it.
func TestAnInterruptedCallHasNoClassOfAnother(t *testing.T) {
	for _, other := range []retry.Class{retry.Retryable, retry.Permanent, retry.Blocked, retry.Ambiguous} {
		cause := fmt.Errorf("poll of another batch: %w", &retry.Error{Class: other, Status: http.StatusUnauthorized})
		ctx, cancel := context.WithCancelCause(t.Context())
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			cancel(cause)
			<-r.Context().Done()
		}))
		for n, want := range []retry.Class{retry.Ambiguous, retry.Retryable} { // sent, and not sent
			err := post(t, ctx, server.Client(), server.URL, retry.EffectCreate)
			if retry.ClassOf(err) != want || retry.ClassIn(ctx, err) != want || !errors.Is(err, cause) {
				t.Errorf("call %d, ended by one that is %s: %v is %s, want %s", n, other, err, retry.ClassOf(err), want)
			}
		}
		server.Close()
	}
}

func TestTransportTakesNoClassOver(t *testing.T) {
	quota := fmt.Errorf("post: %w", retry.Mark(io.EOF, retry.Blocked))
	for effect, want := range map[retry.Effect]retry.Class{retry.EffectCreate: retry.Ambiguous, retry.EffectIdempotent: retry.Retryable} {
		if got := retry.Transport(effect, true, quota); !errors.Is(got, quota) || retry.ClassOf(got) != want {
			t.Errorf("Transport made %v of %v", got, quota)
		}
	}
	if got := retry.Transport(retry.EffectCreate, true, nil); got != nil {
		t.Errorf("Transport(nil) = %v", got)
	}
}
