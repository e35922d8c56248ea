package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/llm/schema"
	"github.com/balerhq/baler/sink/simulator"
)

// Each kind of error has its exit code and its advice, and "again" is said only
// where it helps, after what has to be done first.
func TestEachErrorHasItsCodeAndAdvice(t *testing.T) {
	t.Parallel()
	reply := func(class retry.Class, status int) error {
		return fmt.Errorf("durable: %w", &retry.Error{Class: class, Status: status, Message: "its words"})
	}
	path := func(err error) error {
		return fmt.Errorf("durable: %w", &fs.PathError{Op: "write", Path: "p", Err: err})
	}
	tried := make(map[string]bool)
	for _, test := range []struct {
		kind   string
		err    error
		bought bool
		code   int
		want   string
		again  bool
	}{
		{"told already", usage("--x is odd"), true, exitUsage, "--x is odd", false},
		{"input", &durable.InputError{Source: "in.jsonl", Line: 3, Err: errors.New("odd")}, false, exitUsage, "in.jsonl:3: odd", false},
		{"unreadable row", &source.Error{File: "in.jsonl", Line: 3, Err: errors.New("odd"), Raw: []byte("{")}, false, exitUsage, "in.jsonl:3: odd; correct it, or give a file for such rows with --rejects", false},
		{"input", &source.Error{File: "in.jsonl", Line: 3, Err: errors.New("odd")}, false, exitUsage, "in.jsonl:3", false},
		{
			"no citations", &durable.InputError{Source: "in.jsonl", Line: 3, Err: &llm.RefusedOptionError{Option: "citations"}}, false, exitUsage,
			"--cite asks for it", false,
		},
		{
			"member of a chat", &durable.InputError{Source: "in.jsonl", Line: 3, Err: &llm.RefusedOptionError{Option: "lang"}}, false, exitUsage,
			"--messages-field messages", false,
		},
		{
			"no file store", fmt.Errorf("durable: %w: %w", durable.ErrNoFileStore, reply(retry.Permanent, 404)), false, exitUsage,
			"--file-upload auto or never", false,
		},
		{"same id", &durable.InputError{Source: "b.jsonl", Line: 3, Err: durable.ErrSameKey}, false, exitUsage, "--ids-per-file", false},
		{"delimiter", fmt.Errorf("in.csv: %w", source.ErrDelimiter), false, exitUsage, "--delimiter", false},
		{"schema", fmt.Errorf("durable: %w", &schema.UnsupportedError{Path: "a.b", Reason: "it refers to itself"}), false, exitUsage, "it refers to itself", false},
		{"changed output", &durable.MismatchError{Reason: "changed", Output: "o.jsonl"}, true, exitUsage, "baler results tickets --state dir --out o.jsonl", false},
		{"mismatch", &durable.MismatchError{Reason: "another prompt"}, true, exitUsage, "another prompt", false},
		{"damage", &state.DamageError{Dir: "dir", File: "f", Err: errors.New("odd")}, true, exitUsage, "baler doctor --state dir", false},
		{"damage", fmt.Errorf("%w: record", state.ErrDamaged), true, exitUsage, "baler doctor --state dir", false},
		{"open batches", &durable.OpenError{Name: "tickets", Batches: []string{"batch_1"}}, true, exitUsage, "batch_1; let the run end, or cancel it (baler cancel tickets", false},
		{"open batches", &durable.OpenError{Name: "tickets", Stored: 3}, true, exitUsage, "doctor --sweep", false},
		{"output in use", fmt.Errorf("%w: o.jsonl", durable.ErrOutputInUse), false, exitUsage, "name another file", false},
		{"state in use", fmt.Errorf("%w: dir", state.ErrInUse), false, exitResumable, "--state DIR", false},
		{"running", durable.ErrRunning, false, exitResumable, "baler wait", false},
		{"cancelled", &durable.CancelledError{Name: "tickets"}, true, exitFailed, "--fresh", false},
		{
			"undecided", &durable.UndecidedError{Name: "tickets", Batches: []durable.OpenBatch{{Batch: "batch_1", Missing: 3}}}, true, exitResumable,
			"baler settle tickets --batch batch_1 --state dir --missing fail|again", true,
		},
		{"unknown price", fmt.Errorf("durable: %w", &durable.UnknownPriceError{Provider: "openai", Model: "m"}), false, exitUsage, "--unknown-price", false},
		{"budget", &durable.BudgetError{Budget: 5 * price.USD, Settled: 4 * price.USD, Next: 2 * price.USD, Rows: 3}, true, exitResumable, "--budget", false},
		{"interrupted", fmt.Errorf("durable: %w", errInterrupted), true, exitResumable, "stopped: interrupted; ", true},
		{"interrupted", context.Canceled, true, exitResumable, "stopped: interrupted; ", true},
		{"disk full", fmt.Errorf("%w: dir", state.ErrDiskLow), true, exitResumable, "make room", true},
		{"disk full", path(syscall.ENOSPC), true, exitResumable, "make room", true},
		{"disk full", path(syscall.EDQUOT), true, exitResumable, "make room", true},
		{"stalled", fmt.Errorf("%w: no space", state.ErrStalled), true, exitResumable, "has space", true},
		{"read only", path(syscall.EROFS), true, exitUsage, "make it writable", true},
		{"read only", path(syscall.EACCES), true, exitUsage, "make it writable", true},
		{"no reader", path(syscall.EPIPE), true, exitResumable, "start its reader", true},
		{"key refused at once", reply(retry.Blocked, 401), false, exitUsage, "OPENAI_API_KEY", false},
		{"key refused", reply(retry.Blocked, 403), true, exitResumable, "OPENAI_API_KEY", true},
		{"blocked", reply(retry.Blocked, 429), true, exitResumable, "resolve what the provider reports", true},
		{"refused at once", reply(retry.Permanent, 404), false, exitUsage, "--base-url", false},
		{"refused", reply(retry.Permanent, 404), true, exitResumable, "would be refused again", true},
		{"network", reply(retry.Retryable, 503), true, exitResumable, "the connection", true},
		{"network", retry.Mark(syscall.ECONNREFUSED, retry.Ambiguous), false, exitResumable, "the connection", true},
		{"other", errors.New("something else"), true, exitResumable, "something else; ", true},
	} {
		tried[test.kind] = true
		s := &stop{err: test.err, state: "dir", name: "tickets", chats: test.kind == "member of a chat", several: test.kind == "same id", bought: test.bought, again: sameCommand}
		if got := s.kind().name; got != test.kind {
			t.Errorf("%v is of the kind %q, want %q", test.err, got, test.kind)
		}
		err := s.explain()
		if got := exitCode(err); got != test.code {
			t.Errorf("%s: exit code %d, want %d", test.kind, got, test.code)
		}
		if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), sameCommand) != test.again {
			t.Errorf("%s: %v", test.kind, err)
		}
	}
	for _, k := range stopKinds {
		if !tried[k.name] {
			t.Errorf("%q was not tried", k.name)
		}
	}
}

// The second of two terminals hears at once who has the directory and how to do
// without it.
func TestTwoTerminals(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, anHour), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(10)...)
	writeFile(t, dir, "other.jsonl", tickets(10)...)
	first := startCommand(t, dir, ask(server, "out.jsonl")...)
	statusOf(t, dir, "in", open(1, server))
	second := runArgs(server, "other.jsonl", "--out", "other-out.jsonl", "--model", "m", "--prompt", "{{.text}}")
	r := runCommand(t, dir, withKey, second...)
	holder := fmt.Sprintf("process %d runs \"in\"", first.cmd.Process.Pid)
	if r.code != exitResumable || !strings.Contains(r.stderr, holder) || !strings.Contains(r.stderr, "--state DIR") {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(filepath.Join(dir, "other-out.jsonl")); err == nil {
		t.Error("it made an output")
	}
	own := slices.Concat(second, []string{"--state", "other", "--base-url", startSimulator(t, simulator.Config{}).URL + "/v1"})
	if r := runCommand(t, dir, withKey, own...); r.code != exitOK {
		t.Errorf("with a directory of its own: %+v", r)
	}
	if r := first.end(os.Interrupt); r.code != exitResumable {
		t.Errorf("%+v", r)
	}
}

// A run is called after its input, and the only one need not be named.
func TestNames(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]string{
		"tickets.jsonl": "tickets", "dir/tickets.csv": "tickets", "tickets": "tickets", "/x/tickets.jsonl.gz": "tickets",
		"v1.2.csv": "v1.2", ".jsonl": "run", "-": "run", "/dev/stdin": "stdin",
	} {
		if got := nameOf(input); got != want {
			t.Errorf("%s is called %q, want %q", input, got, want)
		}
	}
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	if r := runCommand(t, dir, nil, "status", "--state", "."); r.code != exitUsage || !strings.Contains(r.stderr, "choose another directory") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, ask(server, "out.jsonl")...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	for _, command := range []string{"status", "wait", "results"} {
		if r := runCommand(t, dir, nil, command); r.code != exitOK || r.stdout == "" {
			t.Errorf("%s: %+v", command, r)
		}
	}
	if r := runCommand(t, dir, withKey, ask(server, "out2.jsonl", "--name", "second")...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	for _, command := range []string{"status", "wait", "results", "pause", "resume", "drain", "cancel"} {
		if r := runCommand(t, dir, nil, command); r.code != exitUsage || !strings.Contains(r.stderr, "in, second") {
			t.Errorf("%s: %+v", command, r)
		}
	}
}

// A key that is refused while batches run, or may run, at the provider: they go
// on there, that is said, and the same command goes on.
func TestAKeyThatIsRefusedWhileBatchesRun(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]simulator.Fault{
		"bought": {{Route: "GET /v1/batches/{id}", Action: simulator.ActionFail, Status: http.StatusUnauthorized, Times: -1}},
		"unclear": {
			{Route: "POST /v1/batches", Action: simulator.ActionResetAfter},
			{Route: "GET /v1/batches", Action: simulator.ActionFail, Status: http.StatusUnauthorized, From: 2, Times: -1},
		},
	} {
		server, dir := startSimulator(t, simulator.Config{Faults: faults}), t.TempDir()
		writeFile(t, dir, "in.jsonl", tickets(10)...)
		r := runCommand(t, dir, withKey, ask(server, "out.jsonl")...)
		if len(server.Batches()) != 1 {
			t.Fatalf("%s: %+v", name, r)
		}
		if r.code != exitResumable {
			t.Errorf("%s: %+v", name, r)
		}
		for _, words := range []string{"1 batch of 10 rows that were bought go on at the provider", "same account", sameCommand} {
			if !strings.Contains(r.stderr, words) {
				t.Errorf("%s: no %q in %s", name, words, r.stderr)
			}
		}
		if err := server.SetFaults(); err != nil {
			t.Fatal(err)
		}
		if r := runCommand(t, dir, withKey, ask(server, "out.jsonl")...); r.code != exitOK || len(server.Batches()) != 1 {
			t.Errorf("%s, mended: %+v", name, r)
		}
	}
}
