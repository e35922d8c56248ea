package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
)

func TestErrorsHaveNoNamesOfPackages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want string
	}{
		{durable.ErrNoRun, "no such run"},
		{fmt.Errorf("stopped: durable: state: %w; run it again", errors.New("no room")), "stopped: no room; run it again"},
		{errors.New("durable: openai: create batch: HTTP 400"), "openai: create batch: HTTP 400"},
		{errors.New("in.jsonl:3: state: it is Texas"), "in.jsonl:3: it is Texas"}, // the price of it
		{errors.New(`invalid argument "5x" for "--budget" flag: price: amount "5x"`), `invalid argument "5x" for "--budget" flag: amount "5x"`},
		{errors.New(`field "state" is missing`), `field "state" is missing`},
		{errors.New("one\ndurable: two"), "one\ntwo"},
	} {
		if got := words(test.err); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// It is so for a command, which says what to do where no run was begun.
func TestErrorsOfCommandsHaveNoNamesOfPackages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "other"), 0o700); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]string{
		"status none":               "baler: state directory: stat .baler: no such file or directory; no run was begun here: ",
		"results none":              "baler: state directory: open .baler: no such file or directory; no run was begun here: ",
		"status none --state other": `baler: other has no run "none"`,
	} {
		if r := runCommand(t, dir, nil, strings.Fields(command)...); r.code != exitUsage || !strings.HasPrefix(r.stderr, want) {
			t.Errorf("%s: %+v", command, r)
		}
	}
}
