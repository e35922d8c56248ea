package main

import (
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
)

// screen are the flags that say what a run tells while it works.
type screen struct {
	quiet, verbose bool
	interval       time.Duration
	level, format  string
}

// The forms of the log.
const (
	formatText = "text"
	formatJSON = "json"
)

// logLevels are the words for levels.
var logLevels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

func (s *screen) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&s.quiet, "quiet", false, "show no progress and no summary; notices and errors are told all the same")
	f.DurationVar(&s.interval, "progress-interval", time.Second, "shortest time between two lines of progress, where standard error is no terminal that can show it in place")
	f.BoolVar(&s.verbose, "verbose", false, "log what happens to each batch; short for --log-level debug")
	f.StringVar(&s.level, "log-level", "error", "least level that is logged on standard error: debug, info, warn or error")
	f.StringVar(&s.format, "log-format", formatText, "form of the log: text or json; with json, progress and notices are records of it")
}

func (s *screen) validate(given func(flag string) bool) error {
	_, known := logLevels[s.level]
	switch {
	case !known:
		return usage("--log-level is %q: must be debug, info, warn or error", s.level)
	case s.format != formatText && s.format != formatJSON:
		return usage("--log-format is %q: must be text or json", s.format)
	case s.interval <= 0:
		return usage("--progress-interval is %s: must be positive", s.interval)
	case s.verbose && given("log-level") && s.level != "debug":
		return usage("--verbose and --log-level %s are both given: leave one of them out", s.level)
	case s.quiet && given("progress-interval"):
		return usage("--progress-interval is given beside --quiet, which shows no progress: leave one of them out")
	}
	return nil
}

// newLogger is the log of a command that has none of these flags.
func newLogger(w io.Writer) *slog.Logger {
	return (&screen{format: formatText}).loggerFrom(w, slog.LevelError)
}

// logger returns the log of a run.
func (s *screen) logger(w io.Writer) *slog.Logger {
	level := logLevels[s.level]
	if s.verbose {
		level = slog.LevelDebug
	}
	return s.loggerFrom(w, level)
}

func (s *screen) loggerFrom(w io.Writer, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if s.format == formatJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// console is where a command prints what is not its output: standard error, or
// above what a view keeps on the terminal. Each write has whole lines.
type console struct {
	stderr io.Writer
	above  atomic.Pointer[io.Writer] // nil if there is no view
}

func newConsole(cmd *cobra.Command) *console {
	c := &console{stderr: cmd.ErrOrStderr()}
	cmd.SetErr(c)
	return c
}

// Write implements io.Writer.
func (c *console) Write(b []byte) (int, error) {
	if above := c.above.Load(); above != nil {
		return (*above).Write(b)
	}
	return c.stderr.Write(b)
}
