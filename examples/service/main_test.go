package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
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
