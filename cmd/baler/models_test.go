package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestModelsAreCompared(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := runCommand(t, dir, nil, "models", "--provider", "openai", "gpt-6", "--input", "1000", "--output", "100")
	lines := strings.Split(r.stdout, "\n")
	if r.code != exitOK || !strings.Contains(lines[1], "gpt-6-luna") || !strings.Contains(lines[1], "$0.075 ") || !strings.Contains(lines[1], "$0.15 ") || strings.Contains(r.stdout, "anthropic") {
		t.Errorf("%+v", r)
	}
	writeFile(t, dir, "prices.json", `{"models":[{"provider":"here","model":"llama","live":[{"input":0,"output":0.25}]}]}`)
	r = runCommand(t, dir, nil, "models", "llama", "--prices", "prices.json", "--json")
	var of struct{ Models []map[string]any }
	if err := json.Unmarshal([]byte(r.stdout), &of); err != nil || len(of.Models) != 1 {
		t.Fatalf("%v: %+v", err, r)
	}
	got := of.Models
	live, _ := got[0]["live"].(map[string]any)
	if _, batch := got[0]["batch"]; batch || live["thousand_rows"] != 0.075 || live["million_output_tokens"] != 0.25 {
		t.Errorf("%v", got)
	}
}

func TestModelsRefusesMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "bad.json", `{"models":[{"provider":"here","model":"llama"}]}`)
	for want, args := range map[string][]string{
		"must not be negative": {"--input", "-1"},
		"no-such-model":        {"no-such-model"},
		"nofile":               {"--prices", "nofile"},
		"here/llama":           {"--prices", "bad.json"},
	} {
		if r := runCommand(t, dir, nil, append([]string{"models"}, args...)...); r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%v: %+v", args, r)
		}
	}
}
