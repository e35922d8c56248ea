package durable_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable"
)

// diary keeps when which message was logged first.
type diary struct {
	start time.Time
	mu    sync.Mutex
	lines []entry
	told  func(message string)
}

type entry struct {
	message string
	at      time.Duration
}

func (d *diary) Enabled(context.Context, slog.Level) bool { return true }
func (d *diary) WithAttrs([]slog.Attr) slog.Handler       { return d }
func (d *diary) WithGroup(string) slog.Handler            { return d }

func (d *diary) Handle(_ context.Context, r slog.Record) error {
	d.mu.Lock()
	d.lines = append(d.lines, entry{r.Message, r.Time.Sub(d.start)})
	told := d.told
	d.mu.Unlock()
	if told != nil {
		told(r.Message)
	}
	return nil
}

// when is the time of the first message that contains the text, 0 if there is
// none.
func (d *diary) when(text string) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := slices.IndexFunc(d.lines, func(e entry) bool { return strings.Contains(e.message, text) })
	if n < 0 {
		return 0
	}
	return d.lines[n].at
}

const (
	waiting   = "waiting for the end of the batches"
	found     = "found the batch"
	notFound  = "the batch was not found"
	disowned  = "somebody else's"
	graceOver = durable.DefaultGrace
)
