package durable

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/ratelimit"
)

// What a provider said about room is no limit for ever: it is widened by what
// ends well, and forgotten a week after the last refusal.
func TestWhatAProviderSaidAboutRoomIsNotForEver(t *testing.T) {
	t.Parallel()
	store, err := state.Open(filepath.Join(t.TempDir(), "state"), state.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	opened := func() *rooms {
		r := newRooms()
		r.recover(t.Context(), store, slog.New(slog.DiscardHandler))
		return r
	}
	s := &stay{place: place{"account", "model"}, tag: "a", load: ratelimit.Load{Tokens: 60_000, Rows: 12, Batches: 1}}
	const said = 100_000
	r := opened()
	r.refuse(s, said)
	if n := opened().most(s.place, 0); n != said {
		t.Fatalf("%d tokens of the %d that the provider said", n, said)
	}
	for range 40 {
		r.widen(s)
	}
	if n := opened().most(s.place, 0); n < 2*said {
		t.Errorf("%d tokens after 40 batches", n)
	}
	r.of(s.place).refused = time.Now().Add(-learnedFor - time.Hour)
	r.widen(s)
	if n := opened().most(s.place, 0); n != 0 {
		t.Errorf("%d tokens more than a week after the refusal", n)
	}
}

// A batch is on trial until the provider runs it or does not answer. What it was
// trusted with counts once, however often it is polled, and not at all if it was in
// doubt.
func TestATrialEndsOnce(t *testing.T) {
	t.Parallel()
	r := newRooms()
	at := place{"account", "model"}
	onTrial := func() int {
		held, err := r.capacity.Held(t.Context(), at.trial())
		if err != nil {
			t.Fatal(err)
		}
		return len(held)
	}
	for _, tag := range []string{"run", "doubtful"} {
		s := &stay{place: at, tag: tag, load: ratelimit.Load{Tokens: 10_000, Rows: 12, Batches: 1}, tries: true}
		if ok, err := r.try(t.Context(), s); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if n := onTrial(); n != 2 {
		t.Fatalf("%d are on trial", n)
	}
	for range 3 {
		r.accept("run")
	}
	if n, accepted := onTrial(), r.of(at).accepted; n != 1 || accepted != 10_000 {
		t.Errorf("%d are on trial, %d tokens were accepted", n, accepted)
	}
	r.moved(intent.Intent{Tag: "doubtful", State: intent.Creating}, intent.Intent{Tag: "doubtful", State: intent.Unknown})
	r.accept("doubtful")
	if n, accepted := onTrial(), r.of(at).accepted; n != 0 || accepted != 10_000 {
		t.Errorf("%d are on trial, %d tokens were accepted", n, accepted)
	}
}
