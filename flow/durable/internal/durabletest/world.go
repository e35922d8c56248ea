package durabletest

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// World is a provider, a client, a directory and what is logged.
type World struct {
	T        testing.TB
	Server   *simulator.Server
	Provider *openai.Client // has the key sk-test
	Dir      string
	Log      *Log
	Compacts bool // the index is compacted while it is open, as one must be whose process is killed often

	client openai.Config // of all clients
	hasty  bool          // time is real, so that jobs wait for milliseconds
}

// New returns a world in which time is real and the provider listens on a
// port of this machine.
func New(tb testing.TB, cfg simulator.Config) *World {
	tb.Helper()
	server, err := simulator.Start("", cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return finish(&World{T: tb, Server: server, Dir: tb.TempDir(), client: openai.Config{BaseURL: server.URL + "/v1", Retry: soon}, hasty: true})
}

// Piped returns a world in which time is real and the provider is in memory. It
// uses a directory that exists.
func Piped(tb testing.TB, dir string, cfg simulator.Config) *World {
	tb.Helper()
	return pipe(tb, dir, cfg, openai.Config{Retry: soon}, true)
}

// Bubble runs a test in a world in which time is fake and the provider is in
// memory. The store is the real one. Wrap changes what clients see of the
// provider; nil changes nothing.
func Bubble(t *testing.T, cfg simulator.Config, adjust openai.Config, wrap func(http.RoundTripper) http.RoundTripper, test func(*World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := pipe(t, t.TempDir(), cfg, adjust, false)
		if wrap != nil {
			w.Interpose(wrap)
		}
		test(w)
	})
}

// soon is how clients retry where time is real.
var soon = retry.Policy{Delay: time.Millisecond, MaxDelay: 10 * time.Millisecond}

func pipe(tb testing.TB, dir string, cfg simulator.Config, adjust openai.Config, hasty bool) *World {
	tb.Helper()
	server, err := simulator.StartPipe(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	server.URL = "http://127.0.0.1" // a client wants https of any other host
	adjust.BaseURL, adjust.Transport = server.URL+"/v1", server.Client().Transport
	adjust.Calls = sink.EvenCalls(1_000_000) // these tests are about other waits
	return finish(&World{T: tb, Server: server, Dir: dir, client: adjust, hasty: hasty})
}

// finish adds what all worlds have.
func finish(w *World) *World {
	w.T.Helper()
	w.T.Cleanup(func() {
		if err := w.Server.Close(); err != nil {
			w.T.Error(err)
		}
	})
	w.Log, w.Provider = newLog(), w.Client("sk-test")
	return w
}

// Client returns a client with another key.
func (w *World) Client(key string) *openai.Client {
	w.T.Helper()
	c, err := openai.New(key, w.client)
	if err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(c.CloseIdle)
	return c
}

// Interpose puts something between the provider and the clients that are made
// from here on.
func (w *World) Interpose(wrap func(http.RoundTripper) http.RoundTripper) {
	w.T.Helper()
	w.client.Transport = wrap(w.client.Transport)
	w.Provider = w.Client("sk-test")
}

// Path returns the path of a file in the world's directory.
func (w *World) Path(name string) string { return filepath.Join(w.Dir, name) }

// Write writes lines to a file in the world's directory.
func (w *World) Write(name string, lines ...string) {
	w.T.Helper()
	if err := os.WriteFile(w.Path(name), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		w.T.Fatal(err)
	}
}

// SetFaults replaces the provider's faults.
func (w *World) SetFaults(faults ...simulator.Fault) {
	w.T.Helper()
	if err := w.Server.SetFaults(faults...); err != nil {
		w.T.Fatal(err)
	}
}
