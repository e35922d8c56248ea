package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
)

func TestNoticeTellsWhatSinceWhenNextAndWhatToDo(t *testing.T) {
	at := time.Date(2026, 11, 28, 15, 4, 5, 0, time.Local)
	n := durable.Notice{Text: "upload failed: no route", Batch: "batch_1", Since: at, Times: 1, Next: at.Add(time.Minute), Advice: "check the network"}
	if got, want := noticeLine(n), "batch batch_1: upload failed: no route; next try at 2026-11-28 15:05:05; check the network"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	n.Times, n.Batch, n.Next = 1200, "", time.Time{}
	if got, want := noticeLine(n), "upload failed: no route; 1,200 times since 2026-11-28 15:04:05; check the network"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	var b bytes.Buffer
	printStatus(&b, durable.Status{Notices: []durable.Notice{n}})
	if !strings.Contains(strings.Join(strings.Fields(b.String()), " "), "notice "+noticeLine(n)) {
		t.Errorf("the status does not show it:\n%s", b.String())
	}
}
