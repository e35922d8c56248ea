package sink_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// small is a provider that takes fewer rows than its Limits say.
type small struct {
	sink.Provider
	most int
	at   string // the call that finds out
}

func (p small) check(at string, rows sink.Rows) error {
	n := 0
	for _, err := range rows {
		if err != nil {
			return err
		}
		n++
	}
	if n > p.most && p.at == at {
		return fmt.Errorf("%s: %w", at, sink.ErrTooLarge)
	}
	return nil
}

func (p small) Upload(ctx context.Context, s sink.Spec, rows sink.Rows) (string, error) {
	if err := p.check("upload", rows); err != nil {
		return "", err
	}
	return p.Provider.Upload(ctx, s, rows)
}

func (p small) Create(ctx context.Context, s sink.Spec, file string, rows sink.Rows) (string, error) {
	if err := p.check("create", rows); err != nil {
		return "", err
	}
	return p.Provider.Create(ctx, s, file, rows)
}

func TestBatchThatIsTooLargeIsHalved(t *testing.T) {
	for _, at := range []string{"upload", "create"} {
		bubble(t, simulator.Config{}, openai.Config{}, func(w world) {
			w.provider = small{w.provider, 5, at}
			for text, r := range w.mustRun(sink.Config{Attempts: 1}, texts(16)) {
				if r.Err != nil || r.Attempts != 1 {
					w.t.Errorf("%s: %q: %+v", at, text, r)
				}
			}
			w.wantBatches(4)
			w.wantBilled(16)
		})
	}
}

// The batches of a route that follow are small at once.
func TestBatchesAfterOneThatWasTooLargeAreSmaller(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{}, func(w world) {
		p := &uploads{Provider: small{w.provider, 4, "create"}}
		w.provider = p
		w.mustRun(sink.Config{InFlight: 1}, textsFrom(10, 8), textsFrom(20, 8), textsFrom(30, 8))
		w.wantBatches(6)
		if n := p.n.Load(); n > 8 { // one that is too large, and another that was made before that was known
			w.t.Errorf("%d uploads", n)
		}
	})
}

func TestRowThatIsTooLargeAloneFails(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{}, func(w world) {
		w.provider = small{w.provider, 0, "upload"}
		for text, r := range w.mustRun(sink.Config{}, texts(3)) {
			if row, ok := errors.AsType[*sink.RowError](r.Err); !ok || row.Code != "too_large" {
				w.t.Errorf("%q: %+v", text, r)
			}
		}
		w.wantBatches(0)
	})
}

// gone is a provider that has lost the first upload when it is used.
type gone struct {
	*uploads
	creates int
}

func (p *gone) Create(ctx context.Context, s sink.Spec, file string, rows sink.Rows) (string, error) {
	if p.creates++; p.creates == 1 {
		return "", fmt.Errorf("create: %w", sink.ErrFileGone)
	}
	return p.Provider.Create(ctx, s, file, rows)
}

func TestUploadThatIsGoneIsMadeAgain(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{}, func(w world) {
		p := &gone{uploads: &uploads{Provider: w.provider}}
		w.provider = p
		w.mustRun(sink.Config{}, texts(3))
		if n := p.n.Load(); n != 2 {
			w.t.Errorf("%d uploads, want 2", n)
		}
		w.wantBatches(1)
	})
}

// Nothing of the refused batch ran, though it carries the tag that is looked
// for.
func TestRefusedBatchIsNotTakenForTheOneAfterIt(t *testing.T) {
	cfg := simulator.Config{Faults: []simulator.Fault{
		{Route: create, Action: simulator.ActionInvalid, Times: 1, Errors: []simulator.BatchError{{Code: "odd", Message: "m"}}},
		{Route: create, From: 2, Action: simulator.ActionResetAfter, Times: 1},
	}}
	bubble(t, cfg, openai.Config{}, func(w world) {
		for text, r := range w.mustRun(sink.Config{}, texts(3)) {
			if r.Err != nil || r.Attempts != 1 {
				w.t.Errorf("%q: %+v", text, r)
			}
		}
		w.wantBatches(2)
		w.wantBilled(3)
	})
}

// ofAnthropic is a provider whose codec is Anthropic's.
type ofAnthropic struct{ sink.Provider }

func (p ofAnthropic) Info() sink.Info {
	info := p.Provider.Info()
	info.Codec = new(anthropic.Codec)
	return info
}

// A row with an option that the provider is known to refuse is never sent.
func TestRefusedOptionFailsItsItemUnsent(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{}, func(w world) {
		t := w.t
		chat := llm.Ask("hi")
		chat.Temperature = new(1.0)
		request := func(text string) (sink.Request, error) {
			switch text {
			case "chat":
				return sink.Encode(new(anthropic.Codec), "m", chat)
			case "body":
				return sink.Request{Endpoint: "/v1/messages", Model: "m", Body: []byte(`{"model":"m","temperature":1,"messages":[],"unknown":1}`)}, nil
			}
			return w.request(text)
		}
		got, err := collect(t, t.Context(), sink.FromSlices[string](ofAnthropic{w.provider}, request, sink.Config{}), []string{"chat", "body"})
		if err != nil || len(got) != 2 {
			t.Fatalf("%v, %v", got, err)
		}
		for text, r := range got {
			if e, is := errors.AsType[*sink.RowError](r.Err); !is || e.Class != retry.Permanent || e.Code != "invalid_request" || r.Attempts != 0 ||
				!strings.Contains(e.Message, `the option "temperature" is refused`) {
				t.Errorf("%s: %+v", text, r)
			}
		}
		w.wantBatches(0)
	})
}
