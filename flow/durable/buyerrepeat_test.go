package durable_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// repeatable is a provider that makes no second batch of a tag, and lists none.
// The first replies to creations are lost.
type repeatable struct {
	sink.Provider

	mu      sync.Mutex
	made    map[string]string
	lost    int
	onLost  func()
	creates int
}

// Info implements sink.Provider.
func (p *repeatable) Info() sink.Info {
	info := p.Provider.Info()
	info.RepeatableCreate, info.Lists, info.Tags = true, false, sink.TagNone
	return info
}

// Find implements sink.Provider.
func (p *repeatable) Find(ctx context.Context, tag string, since time.Time) ([]string, error) {
	return sink.Basic{}.Find(ctx, tag, since)
}

// Create implements sink.Provider.
func (p *repeatable) Create(ctx context.Context, s sink.Spec, file string, rows sink.Rows) (batch string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.creates++
	if p.made[s.Tag] == "" {
		if p.made[s.Tag], err = p.Provider.Create(ctx, s, file, rows); err != nil {
			return "", err
		}
	}
	if p.lost--; p.lost >= 0 {
		if p.onLost != nil {
			p.onLost()
		}
		return "", retry.Mark(errors.New("no reply"), retry.Ambiguous)
	}
	return p.made[s.Tag], nil
}

// A creation that was not answered is repeated at once, without any list, and
// by the next process if the first one ends there.
func TestRepeatableCreationIsRepeated(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]bool{"one process": false, "two processes": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(5)...)
				p := &repeatable{Provider: w.Provider, made: make(map[string]string), lost: 2}
				job := w.Job()
				job.Provider = p
				start := time.Now()
				if ends {
					ctx, end := context.WithCancel(w.T.Context())
					p.onLost = end
					if _, err := w.Run(ctx, job); !errors.Is(err, context.Canceled) {
						w.T.Fatal(err)
					}
					p.onLost = nil
					job = w.Job()
					job.Provider = p
				}
				if report := w.MustRun(job); report.Succeeded != 5 || time.Since(start) > 2*time.Minute {
					w.T.Errorf("%s: %+v", time.Since(start), report)
				}
				if p.creates != 3 {
					w.T.Errorf("%d creations, want 3", p.creates)
				}
				w.WantBilledOnce(5)
			})
		})
	}
}
