package durabletest

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Quiet is a log that nobody reads.
var Quiet = slog.New(slog.DiscardHandler)

// Log is a log handler that remembers what was logged, and when.
type Log struct {
	Start time.Time

	mu    sync.Mutex
	lines []logged
	hook  func(message string)
}

type logged struct {
	message string
	at      time.Duration
}

func newLog() *Log { return &Log{Start: time.Now()} }

// OnMessage calls a function with each message from here on.
func (l *Log) OnMessage(hook func(message string)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hook = hook
}

// Enabled implements slog.Handler.
func (l *Log) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements slog.Handler.
func (l *Log) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *Log) WithGroup(string) slog.Handler { return l }

// Handle implements slog.Handler.
func (l *Log) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	l.lines = append(l.lines, logged{r.Message, r.Time.Sub(l.Start)})
	hook := l.hook
	l.mu.Unlock()
	if hook != nil {
		hook(r.Message)
	}
	return nil
}

// Count returns how many messages contain the words.
func (l *Log) Count(words string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line.message, words) {
			n++
		}
	}
	return n
}

// When returns how long after the start of the world the first message came
// that contains the words, and 0 if there is none.
func (l *Log) When(words string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line.message, words) {
			return line.at
		}
	}
	return 0
}
