package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// A program's run that is fed from a channel, without an end, is drained by the
// command: it is completed with what it has taken.
func TestARunOfAProgramIsDrained(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	client, err := openai.New("sk-test", openai.Config{BaseURL: server.URL + "/v1"})
	if err != nil {
		t.Fatal(err)
	}
	state, err := durable.Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	items := make(chan string)
	run, err := durable.Start(t.Context(), durable.Job[string]{
		Name: "orders", Source: source.Chan("orders", items, func([]string) error { return nil }), Key: strings.Clone,
		Prompt: func(s string) (llm.Chat, error) { return llm.Ask(s), nil }, Provider: client, Model: "gpt-x",
		Batch: durable.BatchLimits{MaxWait: 10 * time.Millisecond}, Poll: 10 * time.Millisecond, Grace: 50 * time.Millisecond, Dir: state,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range []string{"a", "b", "c"} {
		items <- item
	}
	mustCommand(t, dir, "drain", "orders", "--state", "state")
	report, err := run.Wait(t.Context())
	if err != nil || !report.Finished || report.Succeeded != 3 {
		t.Errorf("%+v, %v", report, err)
	}
	if r := runCommand(t, dir, nil, "drain", "orders", "--state", "state"); r.code != exitUsage || !strings.Contains(r.stderr, "completed") {
		t.Errorf("again: %+v", r)
	}
}
