package notify

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
)

func run(s durable.State, code durable.RunCode, reason string) durable.Event {
	return durable.Event{Job: "daily", Run: &durable.RunEvent{State: s, Code: code, Reason: reason, Rows: 10, Succeeded: 7, Failed: 2, Labels: map[string]string{"team": "support"}}}
}

func notice(kind durable.NoticeKind, tag string, since time.Duration, over bool) durable.Event {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	return durable.Event{Job: "daily", At: at, Notice: &durable.NoticeEvent{
		Over: over, Notice: durable.Notice{Kind: kind, Tag: tag, Text: "text", Since: at.Add(-since)},
	}}
}

func route(name string, s durable.RouteState) durable.Event {
	return durable.Event{Job: "daily", Route: &durable.RouteEvent{Route: name, State: s, Reason: "many"}}
}

// What matters becomes a message, once, and all else does not.
func TestMessagesOfEvents(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		events []durable.Event
		want   []string // kind, state, route
	}{
		"completed":       {[]durable.Event{run("running", "", ""), run("completed", "", "")}, []string{"ended completed "}},
		"was completed":   {[]durable.Event{run("completed", "", ""), run("completed", "", "")}, []string{"ended completed "}},
		"cancelled":       {[]durable.Event{run("cancelling", "", "requested"), run("cancelled", "", "requested")}, []string{"ended cancelled "}},
		"stopped":         {[]durable.Event{run("stopped", "", "no disk")}, []string{"ended stopped "}},
		"over budget":     {[]durable.Event{run("stopped", durable.RunOverBudget, "no money")}, []string{"budget stopped ", "ended stopped "}},
		"paused by hand":  {[]durable.Event{run("paused", "", "")}, nil},
		"paused by guard": {[]durable.Event{run("running", "", ""), route("", "paused"), run("paused", durable.RunFailing, "x")}, []string{"paused paused "}},
		"a route":         {[]durable.Event{run("running", "", ""), route("a", "failing"), route("a", "paused"), route("a", "resumed")}, []string{"failing running a", "paused running a"}},
		"rows, batches":   {[]durable.Event{{Row: &durable.RowEvent{}}, {Batch: &durable.BatchEvent{}}, route("a", "down"), route("a", "up")}, nil},
		"budget of a day": {[]durable.Event{notice(durable.NoticeBudget, "", 0, false), notice(durable.NoticeBudget, "", time.Hour, false)}, []string{"budget  "}},
		"another budget":  {[]durable.Event{notice(durable.NoticeBudget, "another budget", 0, false)}, nil},
		"comes again":     {[]durable.Event{notice(durable.NoticeBudget, "", 0, false), notice(durable.NoticeBudget, "", 0, true), notice(durable.NoticeBudget, "", 0, false)}, []string{"budget  ", "budget  "}},
		"stalled":         {[]durable.Event{notice(durable.NoticeWaiting, "", 10*time.Minute, false), notice(durable.NoticeWaiting, "", time.Hour, false)}, []string{"stalled  "}},
		"one batch":       {[]durable.Event{notice(durable.NoticeWaiting, "b", time.Hour, false)}, nil},
		"not reached":     {[]durable.Event{notice(durable.NoticeUnreachable, "", time.Minute, false), notice(durable.NoticeUnreachable, "", 15*time.Minute, false)}, []string{"stalled  "}},
		"other notices":   {[]durable.Event{notice(durable.NoticeStorage, "", time.Hour, false)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reader{told: make(map[noticeKey]bool)}
			var got []string
			for _, e := range test.events {
				for _, m := range r.read(e) {
					got = append(got, fmt.Sprint(m.Event, " ", m.State, " ", m.Route))
					if m.Schema != Schema || m.ID == "" || m.Run != "daily" || e.Run != nil && (m.Rows != 10 || m.Succeeded != 7 || m.Failed != 2 || m.Reason != e.Run.Reason || m.Labels["team"] != "support") {
						t.Errorf("%+v", m)
					}
				}
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
