package durable

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/state"
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
