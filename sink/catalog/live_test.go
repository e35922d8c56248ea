package catalog_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
	livesink "github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// Every provider answers chats row by row, and its codec reads the answers.
func TestEveryProviderIsAskedLive(t *testing.T) {
	for _, p := range catalog.All() {
		t.Run(p.Name, func(t *testing.T) {
			if why := played(&p); why != "" {
				t.Skip(why)
			}
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { askLive(t, &p) })
		})
	}
}

func askLive(t *testing.T, p *catalog.Provider) {
	t.Helper()
	sim, err := simulator.StartPipe(simulator.Config{Provider: p.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	}()
	sim.URL = "http://127.0.0.1"
	provider, err := p.ConnectLive("sk-test", catalog.Config{BaseURL: sim.BaseURL(p.Name), Transport: sim.Client().Transport}, livesink.Config{
		Dir: t.TempDir(), Rate: ratelimit.Config{Requests: 600},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := provider.Close(); err != nil {
			t.Error(err)
		}
	}()
	model := p.Models[0] + "test"
	q, err := sink.Encode(p.Codec, model, llm.Ask("my invoice is wrong"))
	if err != nil {
		t.Fatal(err)
	}
	rows := func(yield func(sink.Row, error) bool) {
		_ = yield(sink.Row{ID: "good", Body: q.Body}, nil) && yield(sink.Row{ID: "bad", Body: []byte(`{"n":1}`)}, nil)
	}
	batch, err := provider.Create(t.Context(), sink.Spec{Tag: "tag", Endpoint: q.Endpoint, Model: model}, "", rows)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	n := 0
	for o, err := range provider.Results(t.Context(), sink.Handle{Batch: batch}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		a := sink.ReadAnswer(&o, p.Codec)
		if o.ID == "good" && (a.Err != nil || a.Reply.Text != "billing: my invoice is wrong") {
			t.Errorf("%+v", a)
		}
		if said, ok := errors.AsType[*sink.RowError](a.Err); o.ID == "bad" && (!ok || said.Class != retry.Permanent || o.Status/100 != 4) {
			t.Errorf("a bad row: %+v, %v", a, a.Err)
		}
	}
	if n != 2 {
		t.Errorf("%d outcomes", n)
	}
}
