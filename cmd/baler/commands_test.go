package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/sink/simulator"
)

// Each command is in a group and has examples, whose flags are its own.
func TestEachCommandHasAnExample(t *testing.T) {
	t.Parallel()
	for _, cmd := range newRoot().Commands() {
		if !cmd.Runnable() {
			continue // a topic of the help
		}
		if cmd.GroupID == "" && cmd.Name() != "version" && !cmd.Hidden {
			t.Errorf("%s is in no group", cmd.Name())
		}
		examples := strings.ReplaceAll(cmd.Example, "\\\n", " ")
		if examples == "" {
			t.Errorf("%s has no example", cmd.Name())
		}
		for line := range strings.Lines(examples) {
			words := strings.Fields(line)
			if len(words) < 2 || words[0] != "baler" && !strings.Contains(words[0], "=") {
				continue // it goes on, or is another program
			}
			for _, word := range words {
				name, isFlag := strings.CutPrefix(word, "--")
				if name == "" {
					break // what follows is another program's
				}
				name, _, _ = strings.Cut(name, "=")
				if isFlag && cmd.Flag(name) == nil {
					t.Errorf("%s: its example has --%s, which it does not take", cmd.Name(), name)
				}
			}
		}
	}
}

func TestAnUnknownFlagSuggests(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"run in.jsonl --modell m":  "unknown flag: --modell: did you mean --model?",
		"run in.jsonl --env-fil m": "did you mean --env-file?",
		"status --something":       "unknown flag: --something: see baler status --help",
		"rum in.jsonl":             "Did you mean this?\n\trun",
		"exec --until-done":        "exec takes a program to run, as in: baler exec -- python",
	} {
		root := newRoot()
		root.SetArgs(strings.Fields(args))
		if err := root.Execute(); err == nil || exitCode(err) != exitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

func TestTimesMayBeDays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"30d": 30 * 24 * time.Hour, "1d12h": 36 * time.Hour, "2w": 14 * 24 * time.Hour, "1.5d": 36 * time.Hour, "90s": 90 * time.Second, "0": 0,
	} {
		cmd, _, err := newRoot().Find([]string{"run"})
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.ParseFlags([]string{"--cache", text}); err != nil {
			t.Fatal(err)
		}
		if got, err := cmd.Flags().GetDuration("cache"); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0s", 30 * 24 * time.Hour: "30d", 36 * time.Hour: "1d12h", 10 * time.Minute: "10m", 90 * time.Minute: "1h30m", 1500 * time.Millisecond: "1.5s", 24*time.Hour + time.Second: "1d1s",
	} {
		if got := inDays(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	root := newRoot()
	root.SetArgs([]string{"run", "x", "--cache", "often"})
	if err := root.Execute(); err == nil || !strings.Contains(err.Error(), "must be a time such as 90s, 12h or 30d") {
		t.Errorf("%v", err)
	}
}

func TestNamesOfRunsAreCompleted(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(1)...)
	if r := runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--name", "tickets")...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	for args, want := range map[string]string{
		"status ti":             "tickets\tcompleted",
		"wait --timeout 1m ti":  "tickets\tcompleted",
		"run --provider an":     "anthropic",
		"run --queue f":         "fair",
		"plan --model gpt-5.4-": "gpt-5.4-mini",
	} {
		r := runCommand(t, dir, nil, append([]string{cobra.ShellCompRequestCmd}, strings.Fields(args)...)...)
		if r.code != exitOK || !strings.Contains(r.stdout, want) {
			t.Errorf("%s: %+v, want %q", args, r, want)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	root := newRoot()
	var b bytes.Buffer
	root.SetOut(&b)
	root.SetArgs([]string{"version", "--json"})
	if err := root.Execute(); err != nil || !strings.Contains(b.String(), `"go":"go1.`) {
		t.Errorf("%v, %s", err, b.String())
	}
}
