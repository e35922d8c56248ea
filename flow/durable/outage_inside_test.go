package durable

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
)

// A provider that has no room for now is not down.
func TestOnlyAnOutageIsOne(t *testing.T) {
	t.Parallel()
	c, err := openai.New("sk-test", openai.Config{})
	if err != nil {
		t.Fatal(err)
	}
	said := &retry.Error{Class: retry.Retryable, Status: http.StatusTooManyRequests}
	for _, test := range []struct {
		err  error
		down bool
	}{
		{fmt.Errorf("create: %w: %w", sink.ErrFull, said), false},
		{fmt.Errorf("create: %w: %w", sink.ErrNotYet, said), false},
		{fmt.Errorf("upload: %w: %w", sink.ErrStorageFull, said), false},
		{said, false},
		{&retry.Error{Class: retry.Permanent, Status: http.StatusBadRequest}, false},
		{&retry.Error{Class: retry.Retryable, Status: http.StatusBadGateway}, true},
		{retry.Mark(errors.New("no answer"), retry.Ambiguous), true},
	} {
		s := newService(c, nil)
		s.watchOutages(0)
		for range outageFailures {
			if got := s.call(t.Context(), func(context.Context) error { return test.err }); !errors.Is(got, test.err) {
				t.Errorf("%v became %v", test.err, got)
			}
		}
		if _, down := s.down(); down != test.down {
			t.Errorf("%v: down is %t", test.err, down)
		}
	}
}

// The batches of a live route are in its directory, so that no other route
// knows them.
func TestALiveRouteIsKnownByItsName(t *testing.T) {
	t.Parallel()
	c, err := openai.New("sk-test", openai.Config{})
	if err != nil {
		t.Fatal(err)
	}
	job := Job[string]{Routes: []Route{{Name: "new", Provider: asLive{c}, Model: "m"}}}
	config := job.config()
	info := c.Info()
	known := []jobdir.Route{
		{Name: "old", Provider: info.Name, Origin: info.Origin, Live: true},
		{Name: "new", Provider: info.Name, Origin: info.Origin, Live: true},
	}
	l := newRoutes(&config, nil, known, newNumbering("targets", []jobdir.Target{{}}, nil))
	if l.ownOf(0) != -1 || l.ownOf(1) != 0 {
		t.Errorf("routes %d and %d", l.ownOf(0), l.ownOf(1))
	}
}

// asLive is a provider that says that it is live.
type asLive struct{ sink.Provider }

func (p asLive) Info() sink.Info {
	info := p.Provider.Info()
	info.Live = true
	return info
}

// Rows of a batch that was taken back wait for others for as long as a batch
// may. Then they find their provider still avoided, if it does not answer.
func TestAProviderThatIsDownIsAvoidedForLongerThanABatchWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := openai.New("sk-test", openai.Config{})
		if err != nil {
			t.Fatal(err)
		}
		s := newService(c, nil)
		s.watchOutages(time.Hour)
		for range outageFailures {
			_ = s.call(t.Context(), func(context.Context) error { return retry.Mark(errors.New("no answer"), retry.Retryable) })
		}
		time.Sleep(outageCooldown)
		if _, is := s.down(); is { // so that one call tries
			t.Error("down for longer")
		}
		time.Sleep(time.Hour)
		if !s.avoided() {
			t.Error("not avoided any more")
		}
		if err := s.call(t.Context(), func(context.Context) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if s.avoided() {
			t.Error("avoided though it answers")
		}
	})
}
