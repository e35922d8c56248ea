package sink_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// repeatable is a provider that makes no second batch of a tag.
type repeatable struct {
	sink.Provider
	made    map[string]string
	lost    int   // replies that do not come
	refusal error // of the second request, nil for none
	creates int
	silent  bool // it keeps no tags
}

func (p *repeatable) Info() sink.Info {
	info := p.Provider.Info()
	info.RepeatableCreate, info.Lists = true, false
	return info
}

func (p *repeatable) Create(ctx context.Context, s sink.Spec, file string, rows sink.Rows) (batch string, err error) {
	if p.creates++; p.creates == 2 && p.refusal != nil {
		return "", p.refusal
	}
	if p.made[s.Tag] == "" {
		if p.made[s.Tag], err = p.Provider.Create(ctx, s, file, rows); err != nil {
			return "", err
		}
	}
	if p.creates <= p.lost {
		return "", retry.Mark(fmt.Errorf("no reply"), retry.Ambiguous)
	}
	return p.made[s.Tag], nil
}

// Find implements sink.Provider.
func (p *repeatable) Find(ctx context.Context, tag string, since time.Time) ([]string, error) {
	if p.silent {
		return sink.Basic{}.Find(ctx, tag, since)
	}
	return p.Provider.Find(ctx, tag, since)
}

func TestRepeatableCreationIsRepeatedAtOnce(t *testing.T) {
	busy := retry.Mark(fmt.Errorf("busy"), retry.Retryable)
	never := retry.Mark(fmt.Errorf("never"), retry.Permanent)
	for name, tc := range map[string]struct {
		lost, creates int
		refusal       error
	}{
		"one reply is lost":           {1, 2, nil},
		"three replies are lost":      {3, 2, nil}, // the batch is found meanwhile
		"it keeps no tags":            {3, 4, nil},
		"busy when it is repeated":    {1, 2, busy},
		"refused when it is repeated": {1, 2, never}, // so the batch is looked for
	} {
		bubble(t, simulator.Config{}, openai.Config{}, func(w world) {
			p := &repeatable{Provider: w.provider, made: make(map[string]string), lost: tc.lost, refusal: tc.refusal, silent: name == "it keeps no tags"}
			w.provider = p
			start := time.Now()
			for text, r := range w.mustRun(sink.Config{}, texts(5)) {
				if r.Err != nil || r.Attempts != 1 {
					w.t.Errorf("%s: %q: %+v", name, text, r)
				}
			}
			w.wantBatches(1)
			if took := time.Since(start); took > 2*time.Minute || p.creates != tc.creates {
				w.t.Errorf("%s: %d creations in %s", name, p.creates, took)
			}
		})
	}
}
