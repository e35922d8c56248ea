package liveview

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/llm/price"
)

var update = flag.Bool("liveview.update", false, "write the frames in testdata anew")

var now = time.Date(2026, 11, 28, 15, 4, 5, 0, time.UTC)

// running is a run under way with so many open batches.
func running(batches int) Frame {
	f := Frame{Now: now, Pace: Pace{PerMinute: 312.4, Soonest: 12 * time.Minute, Latest: 20 * time.Minute}}
	s := &f.Status
	s.Name, s.Started, s.State, s.Read = "tickets", now.Add(-17*time.Minute), durable.StateRunning, true
	s.Rows, s.Succeeded, s.Failed, s.Retried, s.FromCache = 10_000, 5180, 30, 4, 400
	s.Batches, s.Refused = 12, 1
	s.Failures = map[string]int{"rate_limit_exceeded": 20, "invalid_value": 10}
	for i := range batches {
		b := durable.OpenBatch{
			Tag: fmt.Sprintf("KLNNLQRZ%08d", i), Batch: fmt.Sprintf("batch_%026d", i), State: "submitted", Rows: 1000,
			SentAt: now.Add(-time.Duration(batches-i) * 37 * time.Second), Phase: "in_progress", Ran: 312 - 7*i,
		}
		switch i % 5 {
		case 2:
			b.Phase, b.Ran = "validating", 0
		case 3:
			b.State = "fetched"
		case 4:
			b.State, b.Batch, b.SentAt = "sealed", "", time.Time{}
		}
		s.Open = append(s.Open, b)
	}
	return f
}

// frames are what a terminal has to show, by the name of the golden files.
func frames() map[string]Frame {
	reading := Frame{Now: now}
	reading.Status.Name, reading.Status.State, reading.Status.Rows = "tickets", durable.StateRunning, 1234
	empty := Frame{Now: now}
	empty.Status.Name, empty.Status.State, empty.Status.Read = "nothing", durable.StateRunning, true
	stalled := running(3)
	stalled.Pace = Pace{Still: 12 * time.Minute}
	stalled.Status.Notices = []durable.Notice{{
		Kind: durable.NoticeUnreachable, Text: "api.openai.com cannot be reached: connection refused", Next: now.Add(time.Minute),
		Advice: "check the network, and the base URL",
	}}
	routes := running(4)
	for i := range 40 {
		routes.Status.Routes = append(routes.Status.Routes, durable.RouteProgress{
			Name: fmt.Sprintf("route-%02d", i), Provider: "openai", Endpoint: "/v1/chat/completions", Model: "gpt-5.4-mini", Succeeded: 100 * i, Failed: i % 3,
		})
	}
	paused := running(2)
	paused.Status.State, paused.Status.Reason = durable.StatePaused, "80% of the rows of a route fail"
	undecided := running(4)
	undecided.Status.Open[3].Undecided, undecided.Status.Open[3].Missing = true, 7
	reused := running(2)
	reused.Status.Read, reused.Status.Reuse = false, &durable.Reuse{Hits: 1200, Shared: 31, Saved: price.USD + price.USD/3}
	return map[string]Frame{
		"reused":  reused,
		"running": running(6), "many": running(60), "reading": reading, "empty": empty, "stalled": stalled, "routes": routes, "paused": paused,
		"undecided": undecided,
	}
}

// sizes are terminals: the two that most people have, and a narrow one.
var sizes = [][2]int{{80, 24}, {200, 50}, {40, 24}}

func TestFrames(t *testing.T) {
	t.Parallel()
	for name, f := range frames() {
		for _, size := range sizes {
			styled := f.Text(size[0], size[1])
			got := ansi.Strip(styled) + "\n"
			path := filepath.Join("testdata", fmt.Sprintf("%s-%dx%d.txt", name, size[0], size[1]))
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		}
	}
}

// However small a terminal is and whatever there is to show, no line is wrapped
// and the cursor keeps its own.
func TestFramesFitEveryTerminal(t *testing.T) {
	t.Parallel()
	for name, f := range frames() {
		for width := 1; width < 130; width += 9 {
			for height := 1; height < 60; height += 11 {
				lines := strings.Split(f.Text(width, height), "\n")
				if len(lines) > max(height-1, 1) {
					t.Errorf("%s at %dx%d has %d lines", name, width, height, len(lines))
				}
				for _, line := range lines {
					if w := ansi.StringWidth(line); w > width {
						t.Errorf("%s at %dx%d: %d columns: %q", name, width, height, w, line)
					}
				}
			}
		}
	}
}

// What a provider says cannot move the cursor or look like another line.
func TestFramesShowForeignWordsAsTheyAre(t *testing.T) {
	t.Parallel()
	const hostile = "x\x1b[2J\u202e\ny"
	f := running(1)
	f.Status.Name, f.Status.State, f.Status.Reason = hostile, durable.StatePaused, hostile
	f.Status.Open[0].Batch, f.Status.Open[0].Phase = hostile, hostile
	f.Status.Failures = map[string]int{hostile: 1}
	f.Status.Notices = []durable.Notice{{Text: hostile, Batch: hostile, Advice: hostile}}
	f.Status.Routes = []durable.RouteProgress{{Model: hostile}, {Provider: hostile, Endpoint: hostile}}
	text := f.Text(100, 50)
	for _, bad := range []string{"\x1b[2J", "\u202e", "\ny"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q is in %q", bad, text)
		}
	}
	if strings.Count(text, `\x1b[2J`) < 8 {
		t.Errorf("words are missing in\n%s", text)
	}
}
