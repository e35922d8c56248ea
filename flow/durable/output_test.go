package durable_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/simulator"
)

// Whatever somebody did to an output is noticed, and nothing is cut or added.
func TestAChangedOutputIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(string) string{
		"edited":             func(s string) string { return strings.Replace(s, "succeeded", "successful", 1) },
		"edited to the byte": func(s string) string { return strings.Replace(s, "succeeded", "succeedeD", 1) },
		"shortened":          func(s string) string { return s[:len(s)-10] },
		"emptied":            func(string) string { return "" },
		"a note at its end":  func(s string) string { return s + "a note\n" },
		"another's results": func(s string) string {
			return s + `{"id":"t-1","status":"succeeded","batch":"batch_other","attempts":1}` + "\n"
		},
		"its own once more": func(s string) string { return s + s[:strings.IndexByte(s, '\n')+1] },
		"exchanged":         func(s string) string { return strings.Repeat("x", len(s)+100) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := durabletest.New(t, simulator.Config{})
			w.Write("in.jsonl", durabletest.Tickets(20)...)
			w.MustRun(w.Job())
			b, err := os.ReadFile(w.Path("out.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			changed := change(string(b))
			if err := os.WriteFile(w.Path("out.jsonl"), []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = w.Run(t.Context(), w.Job())
			mismatch, ok := errors.AsType[*durable.MismatchError](err)
			if !ok || mismatch.Output != w.Path("out.jsonl") {
				t.Errorf("err = %v", err)
			}
			if b, err := os.ReadFile(w.Path("out.jsonl")); err != nil || string(b) != changed {
				t.Errorf("the output was touched: %v", err)
			}
		})
	}
}

func TestAnOutputHasOneWriter(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/out.jsonl"
	first, err := durable.Lines(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := durable.Lines(path); !errors.Is(err, durable.ErrOutputInUse) {
		t.Errorf("a second writer: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := durable.Lines(path)
	if err != nil {
		t.Fatalf("the next writer: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("an empty output is left behind")
	}
}

// A run has begun with an output that is still empty: no other of the state
// directory may have it, since neither could then go on.
func TestAnOutputIsNotThatOfAnotherRun(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(20)...)
	_, err := w.With(t.Context(), w.Job(), func(ctx context.Context, job durable.Job[durabletest.Ticket]) (durable.Report, error) {
		job.Output = brokenOutput{job.Output.(*durable.File)}
		return durable.Run(ctx, job)
	})
	if !errors.Is(err, durabletest.ErrDied) {
		t.Fatal(err)
	}
	bought := len(w.Server.Batches())
	other := w.Job()
	other.Name = "other"
	_, err = w.Run(t.Context(), other)
	if !isMismatch(err) || !strings.Contains(err.Error(), `"tickets"`) {
		t.Errorf("err = %v", err)
	}
	if n := len(w.Server.Batches()); n != bought {
		t.Errorf("%d batches were bought for it", n-bought)
	}
	w.MustRun(w.Job())
	if n := len(w.Results()); n != 20 {
		t.Errorf("%d results", n)
	}
}

// brokenOutput takes no results.
type brokenOutput struct{ *durable.File }

func (brokenOutput) Write(context.Context, []durable.Result) error { return durabletest.ErrDied }

// A crash leaves results that are not recorded. Those are cut off; others, in
// the same place, are not.
func TestOnlyResultsOfTheRunAreCut(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(20)...)
	w.DieTorn(0, w.Job())
	b, err := os.ReadFile(w.Path("out.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	torn := string(b) + `{"id":"t-1`
	for _, foreign := range []string{
		torn + "\n",
		string(b) + "a note",
		string(b) + strings.Replace(string(b[:strings.IndexByte(string(b), '\n')+1]), "batch_", "batch_x", 1),
		string(b) + strings.Replace(string(b[:strings.IndexByte(string(b), '\n')+1]), `"id":"t-`, `"id":"u-`, 1),
	} {
		if err := os.WriteFile(w.Path("out.jsonl"), []byte(foreign), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Run(t.Context(), w.Job()); !isMismatch(err) {
			t.Errorf("%q: %v", foreign[len(b):], err)
		}
	}
	if err := os.WriteFile(w.Path("out.jsonl"), []byte(torn+"\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.MustRun(w.Job())
	if n := len(w.Results()); n != 20 {
		t.Errorf("%d results", n)
	}
	w.WantBilledOnce(20)
}

func TestAnOutputIsARegularFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/real.jsonl", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink(dir+"/real.jsonl", dir+"/link.jsonl"), os.Symlink(dir+"/none.jsonl", dir+"/dangling.jsonl")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                     "directory",
		dir + "/link.jsonl":     dir + "/real.jsonl",
		dir + "/dangling.jsonl": dir + "/none.jsonl",
		os.DevNull:              "not a regular file",
		dir + "/none/out.jsonl": "no such file or directory",
	} {
		if _, err := durable.Lines(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := os.Stat(dir + "/none.jsonl"); err == nil {
		t.Error("a file was made behind a symbolic link")
	}
}

// What is moved or cut while a run writes to it is noticed before more is
// written.
func TestAnOutputThatGoesMissingMeanwhile(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(path string) error{
		"removed":  os.Remove,
		"replaced": func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) },
		"emptied":  func(path string) error { return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir() + "/out.jsonl"
			out, err := durable.Lines(path)
			if err != nil {
				t.Fatal(err)
			}
			one := []durable.Result{{ID: "a", Status: durable.ItemSucceeded, Attempts: 1}}
			if err := errors.Join(out.Rewind(""), out.Write(t.Context(), one), change(path)); err != nil {
				t.Fatal(err)
			}
			if err := out.Write(t.Context(), one); !isMismatch(err) {
				t.Errorf("err = %v", err)
			}
			if err := out.Close(); name != "emptied" && !isMismatch(err) {
				t.Errorf("close: %v", err)
			}
		})
	}
}

func isMismatch(err error) bool {
	_, ok := errors.AsType[*durable.MismatchError](err)
	return ok
}

func TestAStreamGetsEachResultAndIsNotCut(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(20)...)
	w.Write("stream", "what stands there already")
	f, err := os.OpenFile(w.Path("stream"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 2 { // the second has nothing left to deliver
		out, err := durable.StreamTo(f)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.With(t.Context(), w.Job(), func(ctx context.Context, job durable.Job[durabletest.Ticket]) (durable.Report, error) {
			job.Output = out
			return durable.Run(ctx, job)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(w.Path("stream"))
	if lines := strings.Count(string(b), "\n"); err != nil || lines != 21 || !strings.HasPrefix(string(b), "what stands") {
		t.Errorf("%d lines, %v", lines, err)
	}
}

func TestAStreamIsRefusedBeforeAnythingIsBought(t *testing.T) {
	t.Parallel()
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	readOnly, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	closed, err := os.Create(fmt.Sprintf("%s/closed", t.TempDir()))
	if err := errors.Join(err, closed.Close()); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]*os.File{"a directory": dir, "read only": readOnly, "closed": closed} {
		if _, err := durable.StreamTo(f); err == nil {
			t.Errorf("%s is taken for an output", name)
		}
	}
	if err := readOnly.Close(); err != nil {
		t.Error(err)
	}
}
