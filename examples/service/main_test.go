package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/accumulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRequestsThatComeTogetherShareAQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		names := map[int]string{}
		for id := range 200 {
			names[id] = fmt.Sprint("user ", id)
		}
		l, err := newLoader(t.Context(), &users{names})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := l.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		h := handler(l)
		var wg sync.WaitGroup
		for i := range 400 { // each user twice
			wg.Go(func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprint("/users/", i/2), nil))
				if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != names[i/2] {
					t.Errorf("%d: %d %q", i/2, w.Code, got)
				}
			})
		}
		wg.Wait()
		if s := l.Stats(); s.Items != 200 || s.Batches != 2 {
			t.Errorf("%d users were asked for in %d queries", s.Items, s.Batches)
		}
	})
}

func TestEachRequestHasItsOwnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := newLoader(t.Context(), &users{map[int]string{7: "Ann"}})
		if err != nil {
			t.Fatal(err)
		}
		h := handler(l)
		var wg sync.WaitGroup
		for path, want := range map[string]int{"/users/7": 200, "/users/8": 404, "/users/x": 400} {
			wg.Go(func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
				if w.Code != want {
					t.Errorf("%s: %d", path, w.Code)
				}
			})
		}
		wg.Wait()
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/users/7", nil))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("after the end: %d", w.Code)
		}
	})
}

// The signal comes while a request waits for its query.
func TestTheServiceAnswersWhatItHasWhenItEnds(t *testing.T) {
	asked, end := make(chan struct{}), make(chan struct{})
	l, err := accumulator.NewLoader(t.Context(), accumulator.New[int](accumulator.Config{MaxItems: 1}),
		func(_ context.Context, b accumulator.Batch[int]) ([]accumulator.Result[string], error) {
			close(asked)
			<-end
			return []accumulator.Result[string]{{Value: fmt.Sprint("user ", b.Items[0])}}, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, signal := context.WithCancel(t.Context())
	server := &http.Server{Handler: handler(l), ReadHeaderTimeout: time.Second}
	server.RegisterOnShutdown(func() { close(end) })
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := serve(ctx, listener, server, l); err != nil {
			t.Error(err)
		}
	})
	go func() {
		<-asked
		signal()
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := client.Get("http://" + listener.Addr().String() + "/users/7")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if text, err := io.ReadAll(reply.Body); err != nil || string(text) != "user 7\n" {
		t.Errorf("%q, %v", text, err)
	}
	serving.Wait()
	if _, err := l.Do(t.Context(), 8); !errors.Is(err, accumulator.ErrClosed) {
		t.Errorf("the loader afterwards: %v", err)
	}
}
