//go:build unix

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/balerhq/baler/sink/simulator"
)

// screenText collects what a command prints on a terminal.
type screenText struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // has a token when text has grown
}

// Write implements io.Writer.
func (s *screenText) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.text.Write(b)
}

func (s *screenText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits until a text has been printed after the first so many bytes, and
// returns how many there are then.
func (s *screenText) await(t *testing.T, from int, want string) int {
	t.Helper()
	timeout := time.NewTimer(30 * time.Second)
	defer timeout.Stop()
	for {
		if text := s.String(); strings.Contains(text[from:], want) {
			return len(text)
		}
		select {
		case <-s.more:
		case <-timeout.C:
			t.Fatalf("%q is not shown:\n%q", want, s.String()[from:])
		}
	}
}

// onTerminal runs a command on a terminal, and returns how it ended and what it
// printed. Meanwhile it does what is to be done.
func onTerminal(t *testing.T, dir string, env, args []string, meanwhile func(*os.File, *screenText)) (code int, printed string) {
	t.Helper()
	cmd := command(t.Context(), t, dir, slices.Concat(withKey, []string{"TERM=xterm-256color"}, env), args...)
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	shown := &screenText{more: make(chan struct{}, 1)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = shown.readFrom(terminal)
	}()
	meanwhile(terminal, shown)
	_ = cmd.Wait()
	<-read // the terminal ends with the last process that has it open
	_ = terminal.Close()
	return cmd.ProcessState.ExitCode(), shown.String()
}

func (s *screenText) readFrom(f *os.File) (n int, err error) {
	b := make([]byte, 1<<14)
	for err == nil {
		n, err = f.Read(b)
		_, _ = s.Write(b[:n])
	}
	return n, err
}

// A terminal shows a run as it goes, below its log, whatever size it has. It is
// never put into another mode, nor asked anything: Ctrl-C works, and after it
// the terminal is as it was.
func TestTerminalShowsARun(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, anHour), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(30)...)
	args := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--verbose")
	code, printed := onTerminal(t, dir, nil, args, func(terminal *os.File, s *screenText) {
		at := s.await(t, 0, "0 of 30 rows")
		at = s.await(t, at, "s\r\n") // an age that grows
		for _, size := range []pty.Winsize{{Rows: 50, Cols: 200}, {Rows: 8, Cols: 30}} {
			if err := pty.Setsize(terminal, &size); err != nil {
				t.Error(err)
			}
			at = s.await(t, at, "rows")
		}
		if _, err := terminal.WriteString("\x03"); err != nil {
			t.Error(err)
		}
	})
	if code != exitResumable || !strings.HasSuffix(printed, "baler: stopped: interrupted; run the same command again to go on\r\n") {
		t.Errorf("exit code %d after\n%q", code, printed)
	}
	for line := range strings.Lines(printed) {
		if strings.Contains(line, "level=DEBUG") && !strings.Contains(line, "time=") {
			t.Errorf("a line of the log is torn: %q", line)
		}
	}
	for _, query := range []string{"\x1b[c", "\x1b[6n", "$p", "\x1b[?u", "\x1b]11;?", "\x1b[?1049h", "\x1b[?2004h"} {
		if strings.Contains(printed, query) {
			t.Errorf("the terminal gets %q", query)
		}
	}
	if strings.LastIndex(printed, "\x1b[0 q") < strings.LastIndex(printed, "\x1b[2 q") || !strings.Contains(printed, "\x1b[2 q") {
		t.Errorf("the cursor stays of another form after %q", printed)
	}
	if strings.LastIndex(printed, "\x1b[?25h") < strings.LastIndex(printed, "\x1b[?25l") {
		t.Errorf("the cursor stays hidden after %q", printed)
	}
}

// There is no view, and nothing but lines, if the terminal cannot have one or
// it has the results. NO_COLOR leaves the colours out.
func TestTerminalWithoutAView(t *testing.T) {
	t.Parallel()
	server := startSimulator(t, simulator.Config{})
	for name, test := range map[string]struct {
		env, args []string
		view      bool
	}{
		"dumb":     {env: []string{"TERM=dumb"}},
		"JSON":     {args: []string{"--log-format", "json"}},
		"quiet":    {args: []string{"--quiet"}},
		"results":  {args: []string{"--out", "-"}},
		"no color": {env: []string{"NO_COLOR=1"}, view: true},
	} {
		dir := t.TempDir()
		writeFile(t, dir, "in.jsonl", tickets(3)...)
		args := append(runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}"), test.args...)
		code, printed := onTerminal(t, dir, test.env, args, func(*os.File, *screenText) {})
		if code != exitOK || strings.Contains(printed, "\x1b[") != test.view {
			t.Errorf("%s: exit code %d after\n%q", name, code, printed)
		}
		for _, color := range []string{"\x1b[3", "\x1b[9"} {
			if strings.Contains(printed, color) {
				t.Errorf("%s: %q has colours", name, printed)
			}
		}
		if name == "quiet" && printed != "" {
			t.Errorf("quiet says %q", printed)
		}
	}
}

// Where there is no terminal, progress comes as lines, as records, or not at
// all, and so does a notice.
func TestProgressWithoutATerminal(t *testing.T) {
	t.Parallel()
	server := startSimulator(t, simulator.Config{})
	run := func(args ...string) result {
		dir := t.TempDir()
		writeFile(t, dir, "in.jsonl", append(tickets(29), `{"id":"bad","text":"[[400]]"}`)...)
		all := runArgs(server, filepath.Join(dir, "in.jsonl"), "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")
		return runCommand(t, dir, withKey, append(all, args...)...)
	}
	if r := run("--progress-interval", "1ms"); !strings.Contains(r.stderr, "30 rows") || strings.Contains(r.stderr, "\x1b") {
		t.Errorf("%+v", r)
	}
	r := run("--progress-interval", "1ms", "--log-format", "json", "--log-level", "info")
	for line := range strings.Lines(r.stderr) {
		if !strings.HasPrefix(line, `{"time":`) && !strings.HasPrefix(line, "baler: ") {
			t.Errorf("no record: %s", line)
		}
	}
	if !strings.Contains(r.stderr, `"msg":"progress","state":"running"`) {
		t.Errorf("%+v", r)
	}
	if r := run("--quiet"); r.code != exitFailed || r.stdout != "" || r.stderr != "baler: 1 row failed: see \"error\" in the output\n" {
		t.Errorf("%+v", r)
	}
	for _, wrong := range [][]string{
		{"--log-level", "loud"}, {"--log-format", "xml"}, {"--progress-interval", "0s"}, {"--verbose", "--log-level", "warn"}, {"--quiet", "--progress-interval", "1s"},
	} {
		if r := run(wrong...); r.code != exitUsage || !strings.Contains(r.stderr, wrong[len(wrong)-2]) {
			t.Errorf("%v: %+v", wrong, r)
		}
	}
}
