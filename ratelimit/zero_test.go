package ratelimit_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/ratelimit"
)

func TestZeroLimiterDoesNotLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l ratelimit.Limiter
		for range 1000 {
			if err := l.Wait(t.Context(), request); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// An aged call passes before a newcomer of higher priority also if the limits
// come late.
func TestZeroLimiterAgesCallsAfterAnUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l ratelimit.Limiter
		if err := l.Update(ratelimit.Config{Requests: 60, Aging: time.Second}); err != nil {
			t.Fatal(err)
		}
		l.Penalize(time.Now().Add(time.Minute))
		passed := make(chan string, 2)
		wait := func(name string, p ratelimit.Priority) {
			if err := l.WaitPriority(t.Context(), p, request); err != nil {
				t.Error(err)
			}
			passed <- name
		}
		go wait("old", ratelimit.PriorityNormal)
		time.Sleep(30 * time.Second)
		go wait("new", ratelimit.PriorityHigh)
		if first := <-passed; first != "old" {
			t.Errorf("%s passed first", first)
		}
		<-passed
	})
}

func TestZeroCapacityIsThatOfTheZeroConfig(t *testing.T) {
	t.Parallel()
	var c ratelimit.Capacity
	load := ratelimit.Load{Rows: 7}
	if err := c.Reserve(t.Context(), "lane", "batch", load); err != nil {
		t.Fatal(err)
	}
	if held, err := c.Held(t.Context(), "lane"); err != nil || held["batch"] != load {
		t.Errorf("held %v, %v", held, err)
	}
	if err := c.Release(t.Context(), "lane", "batch"); err != nil {
		t.Error(err)
	}
}

func TestZeroValuesNameTheirConstructor(t *testing.T) {
	t.Parallel()
	var keyed ratelimit.Keyed[int, int]
	for names, use := range map[string]func(ctx context.Context) error{
		"ByKey": func(ctx context.Context) error {
			return keyed.Do(ctx, 1, func(context.Context) error { return nil })
		},
		"New or Pace": func(ctx context.Context) error {
			in := make(chan []int, 1)
			in <- []int{1}
			return new(ratelimit.Stage[int]).Run(ctx, in, make(chan []int, 1))
		},
	} {
		t.Run(names, func(t *testing.T) {
			t.Parallel()
			if said := failure(func() error { return use(t.Context()) }); !strings.HasPrefix(said, "ratelimit: ") || !strings.Contains(said, names) {
				t.Errorf("%q does not name %s", said, names)
			}
		})
	}
}

// failure returns the error of f, or what it panicked with.
func failure(f func() error) (said string) {
	defer func() {
		if v := recover(); v != nil {
			said = fmt.Sprint(v)
		}
	}()
	return fmt.Sprint(f())
}
