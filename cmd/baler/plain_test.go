package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/doctor"
)

// What a provider named or said does not reach the terminal as it is, wherever
// it is printed.
func TestWordsOfTheProviderArePrintable(t *testing.T) {
	const hostile = "batch_\x1b[2J\u009b2J\u202e\nbaler: all is well"
	notice := durable.Notice{Text: hostile, Batch: hostile, Advice: hostile, Next: time.Now()}
	status := durable.Status{
		Name: hostile, Reason: hostile, Notices: []durable.Notice{notice},
		Open: []durable.OpenBatch{{Tag: "T", Batch: hostile, State: "submitted"}},
	}
	status.State = durable.StateStopped
	report := doctorReport{
		Health:  &doctor.Health{Path: "p", Jobs: []doctor.JobHealth{{Name: hostile}}, Problems: []doctor.Problem{{What: hostile}}},
		Orphans: []orphan{{Batch: hostile, Left: hostile}, {Batch: hostile, Failed: hostile}}, Failed: hostile,
	}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"status":      func(b *bytes.Buffer) error { printStatus(b, status); return nil },
		"status JSON": func(b *bytes.Buffer) error { return printJSON(b, "status", status) },
		"runs":        func(b *bytes.Buffer) error { return (&runFlags{}).list(b, []durable.Status{status}) },
		"doctor":      func(b *bytes.Buffer) error { return report.print(b, false) },
		"doctor JSON": func(b *bytes.Buffer) error { return report.print(b, true) },
		"notice":      func(b *bytes.Buffer) error { (&display{w: b}).notify(notice); return nil },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		for _, r := range b.String() {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%s prints %U: %q", name, r, b.String())
				break
			}
		}
		if !strings.Contains(b.String(), "batch_") || strings.Contains(b.String(), "\nbaler:") {
			t.Errorf("%s: %q", name, b.String())
		}
	}
}
