//go:build unix

package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/balerhq/baler/internal/chaos/provider"
)

// checkCache gives the rows to another run, if some of them have failed: what
// was answered comes from the cache and is not bought again, and what was no
// answer is never there.
func (l *life) checkCache(ctx context.Context, expected map[string]item) error {
	if l.code != 1 || l.cancelled {
		return nil
	}
	before, err := provider.Charges(l.vendor.dir)
	if err != nil {
		return err
	}
	p, err := l.ask(ctx, append(l.runArgs(), "--name", "another", "--out", "another.jsonl")...)
	if err != nil {
		return err
	}
	fails := false
	for line := range strings.Lines(text(filepath.Join(l.dir, "another.jsonl"))) {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			l.found.add(wrong, "a line of another run's output cannot be read: %.200s", line)
			continue
		}
		fails = fails || r.Status != "succeeded"
		if r.Cached && r.Status != "succeeded" {
			l.found.add(wrong, "row %s is no answer, and comes from the cache: %+v", r.ID, r)
		}
		l.checkRow(expected[r.ID], r)
	}
	if fails != (p.code() == 1) || p.code() > 1 {
		l.found.add(other, "another run of the rows ended with code %d, and rows that failed: %t: %s", p.code(), fails, lastLine(p.stderr()))
	}
	return l.checkNewCharges(expected, len(before))
}

// checkNewCharges looks which rows were bought by another run, behind so many
// charges: all that were executed and have no answer, and no others.
func (l *life) checkNewCharges(expected map[string]item, behind int) error {
	charges, err := provider.Charges(l.vendor.dir)
	if err != nil {
		return err
	}
	bought := make(map[string]int)
	for _, c := range charges[behind:] {
		if !c.Late { // that is of a batch of the first run, which came after its grace
			bought[c.Question]++
		}
	}
	for id, i := range expected {
		n, v := bought[provider.Hash(i.question())], l.Plan.Verdict(i.question())
		switch want := v.Ran || v.Code == "" && l.given[id]; {
		case n > 1, n == 1 && !want:
			l.found.add(twice, "row %s with the code %q was billed %d times in another run", id, v.Code, n)
		case n == 0 && want:
			l.found.add(wrong, "row %s with the code %q was not asked in another run", id, v.Code)
		}
	}
	return nil
}
