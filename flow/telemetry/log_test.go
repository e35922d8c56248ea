package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/telemetry"
)

func withoutTimes(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == "duration" {
		return slog.Attr{}
	}
	return a
}

// logged runs a pipeline whose sink returns err, and returns what is logged at
// level, sorted, without times.
func logged(t *testing.T, level slog.Level, err error) []string {
	t.Helper()
	var text bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: level, ReplaceAttr: withoutTimes}))
	p := flow.New(t.Context(), telemetry.Logs(logger))
	secrets := flow.From(p, slices.Values([]string{"hunter2"}))
	flow.To(p, secrets, func(context.Context, string) error { return err })
	if got := p.Wait(); !errors.Is(got, err) {
		t.Fatalf("Wait = %v, want %v", got, err)
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	slices.Sort(lines)
	return lines
}

func TestLogsTellWhenStagesBeginAndEndWithoutTheirItems(t *testing.T) {
	want := []string{
		`level=DEBUG msg="stage begins" stage=sink`,
		`level=DEBUG msg="stage begins" stage=source`,
		`level=DEBUG msg="stage ended" stage=sink outcome=done`,
		`level=DEBUG msg="stage ended" stage=source outcome=done`,
	}
	if diff := cmp.Diff(want, logged(t, slog.LevelDebug, nil)); diff != "" {
		t.Error(diff)
	}
}

func TestAFailedStageIsLoggedAsAnError(t *testing.T) {
	want := []string{`level=ERROR msg="stage failed" stage=sink outcome=failed error="disk full"`}
	if diff := cmp.Diff(want, logged(t, slog.LevelInfo, errors.New("disk full"))); diff != "" {
		t.Error(diff)
	}
}
