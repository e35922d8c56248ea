//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/internal/chaos/provider"
)

// result is a line of an output, as much of it as is compared.
type result struct {
	ID     string `json:"id"`
	Batch  string `json:"batch"`
	Status string `json:"status"`
	Text   string `json:"text"`
	Cached bool   `json:"cached"`
	Error  *struct {
		Code string `json:"code"`
	} `json:"error"`
}

// check compares what is there in the end with what was promised.
func (l *life) check(ctx context.Context) error {
	if err := l.quieten(); err != nil {
		return err
	}
	if err := l.readBill(); err != nil {
		return err
	}
	expected := l.expected()
	fails := l.checkOutput(expected)
	if len(l.missing) > 0 { // as it was cancelled before it had all its results
		fails = true
	}
	if fails != (l.code == 1) && l.code != 2 && l.code != 3 {
		l.found.add(other, "exit code %d, and rows that failed: %t", l.code, fails)
	}
	for _, step := range []func(context.Context) error{l.checkAgain, l.checkResults, l.checkDoctor, l.checkFiles, l.checkRivals} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	l.checkBill(expected)
	if err := l.checkCreations(); err != nil {
		return err
	}
	if err := l.checkCache(ctx, expected); err != nil {
		return err
	}
	return l.checkTexts()
}

// quieten starts the provider again, without faults.
func (l *life) quieten() error {
	l.vendor.kill()
	calm := l.Plan
	calm.Rival.P = 0
	calm.Faults = make(map[provider.Kind]provider.Dose)
	for _, v := range provider.Verdicts {
		if dose, ok := l.Plan.Faults[v.Kind]; ok {
			calm.Faults[v.Kind] = dose
		}
	}
	if err := calm.Write(l.vendor.dir); err != nil {
		return err
	}
	return l.vendor.start()
}

// expected is each row of the input by its key.
func (l *life) expected() map[string]item {
	all := make(map[string]item)
	for _, i := range l.input {
		all[i.key(l.Shape)] = i
	}
	return all
}

// checkOutput looks whether each row has one result, and the right one.
func (l *life) checkOutput(expected map[string]item) (fails bool) {
	seen := make(map[string]bool)
	l.given = make(map[string]bool)
	for line := range strings.Lines(text(filepath.Join(l.dir, "out.jsonl"))) {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil || !strings.HasSuffix(line, "\n") {
			l.found.add(wrong, "a line of the output cannot be read: %.200s", line)
			continue
		}
		i, ok := expected[r.ID]
		switch {
		case !ok:
			l.found.add(repeated, "a result for %q, which is no row", r.ID)
			continue
		case seen[r.ID]:
			l.found.add(repeated, "row %s has a second result", r.ID)
		}
		seen[r.ID] = true
		fails = fails || r.Status != "succeeded"
		l.checkRow(i, r)
	}
	l.missing = make(map[string]bool)
	for id := range expected {
		switch {
		case seen[id]:
		case l.cancelled: // unless it was paid for, as the bill will tell
			l.missing[id] = true
		default:
			l.found.add(lost, "row %s has no result", id)
		}
	}
	return fails
}

func (l *life) checkRow(i item, r result) {
	code := l.Plan.Verdict(i.question()).Code
	if again, decided := l.decisions[r.Batch]; decided && !again && r.Status == "failed" && r.Error != nil && r.Error.Code == resultMissing {
		l.given[r.ID] = true
		return
	}
	got := ""
	if r.Error != nil {
		got = r.Error.Code
	}
	switch {
	case l.cancelled && slices.Contains(passing, got): // it ran, and is not retried
		l.given[r.ID] = true
	case code == "" && r.Status != "succeeded":
		l.found.add(lost, "row %s %s with code %q, though it could be answered", r.ID, r.Status, got)
	case code == "" && r.Text != provider.Answer(i.question()):
		l.found.add(wrong, "row %s has the answer %q", r.ID, r.Text)
	case code != "" && (r.Status != "failed" || r.Error == nil || r.Error.Code != code):
		l.found.add(wrong, "row %s should have failed with code %s: %+v", r.ID, code, r)
	}
}

// passing are the codes of rows that ran and failed, and may be answered later.
var passing = []string{
	"server_error", "rate_limit_exceeded",
	"api_error", "overloaded_error", "rate_limit_error", "timeout_error",
}

// checkAgain gives the command once more: it ends as before, and buys nothing.
func (l *life) checkAgain(ctx context.Context) error {
	before, err := provider.Batches(l.vendor.dir)
	if err != nil || l.code > 1 {
		return err
	}
	output := text(filepath.Join(l.dir, "out.jsonl"))
	p, err := l.ask(ctx, l.runArgs()...)
	if err != nil {
		return err
	}
	if p.code() != l.code {
		l.found.add(other, "the run ended with code %d, and with %d when it was given again: %s", l.code, p.code(), lastLine(p.stderr()))
	}
	if output != text(filepath.Join(l.dir, "out.jsonl")) {
		l.found.add(other, "the output changed when the command was given again")
	}
	after, err := provider.Batches(l.vendor.dir)
	if len(after) != len(before) {
		l.found.add(other, "%d batches were bought when the command was given again", len(after)-len(before))
	}
	return err
}

// checkResults compares what the archive has with the output.
func (l *life) checkResults(ctx context.Context) error {
	p, err := l.ask(ctx, "results", "chaos", "--ordered")
	if err != nil {
		return err
	}
	a := strings.Count(p.stdout(), "\n") - strings.Count(p.stdout(), `"status":"cancelled"`)
	b := strings.Count(text(filepath.Join(l.dir, "out.jsonl")), "\n")
	if p.code() != 0 || a != b {
		l.found.add(other, "results ended with code %d and has %d results, the output %d: %s", p.code(), a, b, lastLine(p.stderr()))
	}
	return nil
}

// checkDoctor lets the doctor examine the directory, and look for orphans:
// there are none but those of others, and of creations that came after the
// grace.
func (l *life) checkDoctor(ctx context.Context) error {
	p, err := l.ask(ctx, "doctor")
	if err != nil {
		return err
	}
	if p.code() != 0 || !strings.Contains(p.stdout(), "all is well") {
		l.found.add(other, "doctor ended with code %d: %s %s", p.code(), p.stdout(), lastLine(p.stderr()))
	}
	p, err = l.ask(ctx, "doctor", "--orphans", "--base-url", l.vendor.url, "--json")
	if err != nil {
		return err
	}
	var report struct {
		Orphans []struct {
			Batch string `json:"batch"`
		} `json:"orphans"`
	}
	if json.Unmarshal([]byte(p.stdout()), &report) != nil || p.code() != 0 {
		l.found.add(other, "doctor --orphans ended with code %d: %s", p.code(), lastLine(p.stderr()))
	}
	batches, err := l.batches()
	for _, o := range report.Orphans {
		if b, ok := batches[o.Batch]; ok && !l.excused(b) {
			l.found.add(other, "batch %s is an orphan", o.Batch)
		}
	}
	return err
}

// batches are the creations that the provider received, by their ids.
func (l *life) batches() (map[string]provider.BatchRecord, error) {
	all, err := provider.Batches(l.vendor.dir)
	byID := make(map[string]provider.BatchRecord)
	for _, b := range all {
		byID[b.ID] = b
	}
	return byID, err
}

// checkCreations looks whether each creation has a reason: a group of rows that
// goes for the first time, or something that went wrong. And nothing was bought
// while that was forbidden.
func (l *life) checkCreations() error {
	batches, err := provider.Batches(l.vendor.dir)
	if err != nil {
		return err
	}
	faults, err := provider.Faults(l.vendor.dir)
	if err != nil {
		return err
	}
	reasons := 0
	for _, f := range faults {
		l.found.faults[f.Kind]++
		if f.Kind == provider.RefuseFull {
			continue
		}
		if name := string(f.Kind); !strings.HasPrefix(name, "status.") && !strings.HasPrefix(name, "list.") {
			reasons++
		}
	}
	groups := (l.Rows + l.BatchSize - 1) / l.BatchSize
	if bound := 10 + 3*groups + 2*reasons + l.found.faults[provider.RefuseFull]; len(batches) > bound {
		l.found.add(other, "%d creations for %d groups of rows and %d faults", len(batches), groups, reasons)
	}
	if n := l.found.faults[provider.RefuseFull]; n > 20+3*groups {
		l.found.add(other, "%d creations where there was no room, for %d groups of rows", n, groups)
	}
	l.found.batches = len(batches)
	for _, h := range l.held {
		for _, b := range batches {
			if b.Received.After(h.from.Add(200*time.Millisecond)) && b.Received.Before(h.to) {
				l.found.add(other, "batch %s was bought at %s, and the run was paused at %s", b.ID, b.Received, h.from)
			}
		}
	}
	tags := make(map[string]string)
	for _, b := range batches {
		tag := string(b.Metadata)
		if b.Late || b.Status == "failed" {
			continue
		}
		if first, ok := tags[tag]; ok {
			l.found.add(other, "batches %s and %s have the same tag", first, b.ID)
		}
		tags[tag] = b.ID
	}
	return nil
}

// checkFiles checks that the files of batches are gone once the run has ended
// and the doctor has swept. Uploads without a batch stay.
func (l *life) checkFiles(ctx context.Context) error {
	p, err := l.ask(ctx, "doctor", "--sweep", "--base-url", l.vendor.url)
	if err != nil {
		return err
	}
	if p.code() != 0 {
		l.found.add(other, "doctor --sweep ended with code %d: %s %s", p.code(), p.stdout(), lastLine(p.stderr()))
	}
	left, err := provider.LeftFiles(l.vendor.dir)
	if err != nil {
		return err
	}
	batches, err := l.batches()
	for _, f := range left {
		stray := len(f.Batches) == 0
		for _, id := range f.Batches {
			stray = stray || l.excused(batches[id])
		}
		if stray {
			l.found.strays++
		} else {
			l.found.add(other, "the file %s of %v is still at the provider", f.File, f.Batches)
		}
	}
	return err
}

// excused reports whether a batch may be nobody's: its creation came after the
// grace, or the directory that knew it was lost.
func (l *life) excused(b provider.BatchRecord) bool {
	return b.Late || b.Received.Before(l.lost)
}

// checkRivals checks that no batch of somebody else was cancelled or deleted.
// None of their rows is in the output, as all of that is compared with the
// input.
func (l *life) checkRivals(context.Context) (err error) {
	l.found.rivals, err = provider.ReadRivals(l.vendor.dir)
	for _, what := range l.found.rivals.Meddled {
		l.found.add(other, "%s: the batch is somebody else's", what)
	}
	return err
}

var crash = regexp.MustCompile(`(?m)^(panic:|fatal error:|WARNING: DATA RACE|goroutine \d+ \[)`)

// checkTexts looks for crashes in what was printed, and for the key anywhere.
func (l *life) checkTexts() error {
	return filepath.WalkDir(l.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.Contains(b, []byte(marker)) {
			l.found.add(other, "the key stands in %s", path)
		}
		if at := crash.FindIndex(b); at != nil && (strings.HasSuffix(path, ".err") || filepath.Base(path) == "stderr") {
			l.found.add(other, "%s: %s", path, string(b[at[0]:min(len(b), at[0]+200)]))
		}
		return nil
	})
}

// summary is the world in a line.
func (l *life) summary() string {
	h := l.happened
	n := 0
	for _, times := range l.found.faults {
		n += times
	}
	return fmt.Sprintf("world %s of %s: %s, %d rows, %d batches beside %d of somebody else, %d faults, %d kills, %d stops, %d detached, %d rivals, %d queries, %d restarts, exit code %d, %.1f s",
		l.Seed, l.Protocol, l.Shape, l.Rows, l.found.batches, l.found.rivals.Batches, n, h.Kills, h.Stops, h.Detaches, h.Rivals, h.Queries, h.Restarts, l.code, time.Since(l.began).Seconds())
}
