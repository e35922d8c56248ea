package live_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// Two providers in one directory would ask the same rows.
func TestADirectoryHasOneProvider(t *testing.T) {
	bubble(t, simulator.Config{}, func(w *world) {
		p := w.open(live.Config{})
		if _, err := live.New(w.client(key), live.Config{Dir: w.dir}); !errors.Is(err, live.ErrLocked) {
			t.Errorf("a second one: %v", err)
		}
		closeAll(w.T, p)
		w.open(live.Config{})
	})
}

// Whatever is wrong with the files of a batch, no row is asked because of it,
// and a person is told.
func TestDamagedFilesAskNothing(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"rows":  func(b []byte) []byte { return b[:len(b)-5] },
		"calls": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
	} {
		t.Run(name, func(t *testing.T) {
			blocked := func(simulator.Row) simulator.Reply { return simulator.Reply{Error: &simulator.RowError{Status: 401}} }
			bubble(t, simulator.Config{Answer: blocked}, func(w *world) {
				p := w.open(live.Config{Rate: limited(1)})
				h := w.begin(p, "tag", 5, chat("hello"))
				synctest.Wait()
				closeAll(w.T, p)
				path := filepath.Join(w.dir, "tag", name)
				b, err := os.ReadFile(path)
				if err == nil {
					err = os.WriteFile(path, damage(b), 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
				before := len(w.asked())
				p = w.open(live.Config{Rate: limited(1)})
				var last error
				for _, err := range p.Results(w.Context(), h) {
					last = err
				}
				if retry.ClassOf(last) != retry.Blocked || len(w.asked()) != before {
					t.Errorf("%v, %d rows were asked, before %d", last, len(w.asked()), before)
				}
			})
		})
	}
}

// A directory of one provider is not used for another, whose model would get
// its rows.
func TestABatchStaysWithItsProvider(t *testing.T) {
	bubble(t, simulator.Config{}, func(w *world) {
		p := w.open(live.Config{})
		h := w.begin(p, "tag", 5, chat("hello"))
		closeAll(w.T, p)
		c, err := openai.New(key, openai.Config{BaseURL: "https://elsewhere.example/v1"})
		if err != nil {
			t.Fatal(err)
		}
		other, err := live.New(c, live.Config{Dir: w.dir})
		if err != nil {
			t.Fatal(err)
		}
		defer closeAll(w.T, other)
		if _, err := other.Status(w.Context(), h); retry.ClassOf(err) != retry.Blocked {
			t.Errorf("the status elsewhere: %v", err)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	c, err := openai.New(key, openai.Config{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for field, cfg := range map[string]live.Config{
		"Config.Dir":             {},
		"Config.Limits":          {Dir: dir, Limits: sink.Limits{Rows: -1}},
		"Config.Requests":        {Dir: dir, Rate: ratelimit.Config{Requests: -1}},
		"Policy.MaxAttempts":     {Dir: dir, Retry: retry.Policy{MaxAttempts: -1}},
		"BreakerConfig.Failures": {Dir: dir, Breaker: retry.BreakerConfig{Failures: -1}},
	} {
		if _, err := live.New(c, cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
