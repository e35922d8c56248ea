package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/sink/simulator"
)

// With --choose all each row is asked on each route, and its rows on the routes
// that failed it are retried there alone.
func TestChooseAll(t *testing.T) {
	t.Parallel()
	fails := func(r simulator.Row) simulator.Reply {
		if r.Model == modelOf("anthropic") && strings.HasSuffix(r.Prompt(), " 3") {
			return simulator.Reply{Error: &simulator.RowError{Status: 400, Code: "invalid_request_error", Message: "no"}}
		}
		return simulator.Reply{Text: r.Model + ": " + r.Prompt()}
	}
	server, dir := startSimulator(t, simulator.Config{Answer: fails}), t.TempDir()
	writeFile(t, dir, "in.jsonl", byGenre(10)...)
	routes := []string{"--route", routeTo(server, "law", "anthropic"), "--route", routeTo(server, "mini", "openai")}
	args := slices.Concat([]string{"in.jsonl", "--prompt", "{{.text}}", "--choose", "all"}, routes, fast)
	plan := runCommand(t, dir, nil, append([]string{"plan"}, args...)...)
	for _, want := range []string{"rows 20", "a row takes each route, as a row of its own"} {
		if plan.code != exitOK || !strings.Contains(strings.Join(strings.Fields(plan.stdout), " "), want) {
			t.Errorf("without %q: %+v", want, plan)
		}
	}
	preview := runCommand(t, dir, nil, append([]string{"preview", "--rows", "1"}, args...)...)
	var shown []string
	for line := range strings.Lines(preview.stdout) {
		var row previewed
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%v: %+v", err, preview)
		}
		shown = append(shown, row.ID+" "+row.Endpoint)
	}
	if diff := cmp.Diff([]string{"t-0@law /v1/messages", "t-0@mini /v1/chat/completions"}, shown); diff != "" {
		t.Error(diff)
	}
	if r := runCommand(t, dir, withKey, slices.Concat([]string{"run", "--out", "out.jsonl", "--dead-letters", "dead.jsonl"}, args)...); r.code != exitFailed {
		t.Fatalf("%+v", r)
	}
	results := readResults(t, filepath.Join(dir, "out.jsonl"))
	for id, r := range results {
		model := modelOf(map[string]string{"law": "anthropic", "mini": "openai"}[r.Route])
		want := model + ": ticket number " + strings.TrimPrefix(r.Item, "t-")
		if id == "t-3@law" {
			want = ""
		}
		if r.Text != want || id != r.Item+"@"+r.Route {
			t.Errorf("%s: item %s, route %s, %q, want %q", id, r.Item, r.Route, r.Text, want)
		}
	}
	if len(results) != 20 {
		t.Errorf("%d results: %v", len(results), slices.Sorted(maps.Keys(results)))
	}
	// Each of the two ways to run again what failed.
	for name, again := range map[string][]string{
		"retry": append([]string{"retry", "in"}, routes...),
		"from":  slices.Concat([]string{"run", "--from-failed", "dead.jsonl", "--name", "from", "--prompt", "{{.text}}", "--choose", "all"}, routes),
	} {
		r := runCommand(t, dir, withKey, slices.Concat(again, []string{"--out", name + ".jsonl"}, fast)...)
		var ids []string
		for id, r := range readResults(t, filepath.Join(dir, name+".jsonl")) {
			ids = append(ids, fmt.Sprint(id, " ", r.Item, " ", r.Route))
		}
		if r.code != exitFailed || !slices.Equal(ids, []string{"t-3@law t-3 law"}) {
			t.Errorf("%s: %q, %+v", name, ids, r)
		}
	}
	r := runCommand(t, dir, withKey, slices.Concat([]string{"retry", "in", "--name", "one", "--out", "one.jsonl", "--model", modelOf("openai"), "--base-url", server.BaseURL("openai")}, fast)...)
	if got := slices.Collect(maps.Keys(readResults(t, filepath.Join(dir, "one.jsonl")))); r.code != exitOK || !slices.Equal(got, []string{"t-3"}) {
		t.Errorf("%q, %+v", got, r)
	}
}
