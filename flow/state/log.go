package state

import (
	"fmt"
	"log/slog"
	"strings"
)

// badgerLog passes on what Badger has to say: some of its read errors appear
// nowhere else.
type badgerLog struct {
	log     *slog.Logger
	trouble *trouble
}

func (l badgerLog) Errorf(format string, args ...any) {
	l.trouble.note(text(format, args))
	l.log.Error(text(format, args)) //nolint:sloglint // Badger formats
}

func (l badgerLog) Warningf(format string, args ...any) {
	l.trouble.note(text(format, args))
	l.log.Warn(text(format, args)) //nolint:sloglint // Badger formats
}

func (l badgerLog) Infof(format string, args ...any) { l.log.Debug(text(format, args)) } //nolint:sloglint // Badger formats
func (l badgerLog) Debugf(string, ...any)            {}

func text(format string, args []any) string {
	return "badger: " + strings.TrimSpace(fmt.Sprintf(format, args...))
}
