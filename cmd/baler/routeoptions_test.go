package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// A route has options of its model, which a row may set otherwise.
func TestARouteHasOptionsOfItsModel(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		return simulator.Reply{Text: string(r.Body)}
	}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", `{"id":"a","to":"warm","text":"hi"}`, `{"id":"b","to":"cold","text":"hi"}`, `{"id":"c","to":"cold","text":"hi","own":{"temperature":1}}`)
	args := []string{
		"in.jsonl", "--prompt", "{{.text}}", "--options-field", "own", "--max-tokens", "99", "--route-field", "to", "--route-map", "warm=warm,cold=cold",
		"--route", "warm=openai/m,temperature=0.9,option.top_p=0.5", "--route", "cold=openai/m,temperature=0.1", "--base-url", server.URL + "/openai/v1",
	}
	plan := mustCommand(t, dir, append([]string{"plan"}, args...)...)
	for _, want := range []string{`with the options {"temperature":0.9,"top_p":0.5}`, `with the options {"temperature":0.1}`} {
		if !strings.Contains(plan.stdout, want) {
			t.Errorf("without %q: %s", want, plan.stdout)
		}
	}
	if r := runCommand(t, dir, withKey, append([]string{"run", "--out", "out.jsonl", "--poll", "20ms"}, args...)...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	got := answersIn(t, filepath.Join(dir, "out.jsonl"))
	for id, wants := range map[string][]string{
		"a": {`"temperature":0.9`, `"top_p":0.5`, "99"}, "b": {`"temperature":0.1`, "99"}, "c": {`"temperature":1,`, "99"},
	} {
		text, _ := got[id]["text"].(string)
		for _, want := range wants {
			if !strings.Contains(strings.ReplaceAll(text, "}", ",}"), want) {
				t.Errorf("%s: without %s: %s", id, want, text)
			}
		}
	}
}

func TestOptionsOfARouteThatAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(1)...)
	writeFile(t, dir, "rows.jsonl", `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"x"}]}}`)
	for want, args := range map[string][]string{
		"the option temperature: must be a number":            {"in.jsonl", "--prompt", "{{.text}}", "--route", "openai/m,temperature=hot"},
		"the option max-tokens: must be a whole number":       {"in.jsonl", "--prompt", "{{.text}}", "--route", "openai/m,max-tokens=0"},
		"the option option.stop: stop: the value is not JSON": {"in.jsonl", "--prompt", "{{.text}}", "--route", `openai/m,option.stop=["a","b"]`},
		`route "claude-m"`: {"in.jsonl", "--prompt", "{{.text}}", "--route", "anthropic/claude-m,temperature=0.2"},
		"has the option temperature, and there is one": {"in.jsonl", "--prompt", "{{.text}}", "--temperature", "1", "--route", "openai/m,temperature=0.2"},
		"of a --route need a --prompt":                 {"rows.jsonl", "--route", "openai/m,temperature=0.2"},
		"option.NAME":                                  {"in.jsonl", "--prompt", "{{.text}}", "--route", "openai/m,option.=1"},
	} {
		r := runCommand(t, dir, nil, append([]string{"plan"}, args...)...)
		if r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%v: want %q: %+v", args, want, r)
		}
	}
}

// A run tells at its start what a plan tells of the schema.
func TestARunTellsOfItsSchema(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(1)...)
	deep := strings.Repeat(`{"type":"object","required":["a"],"properties":{"a":`, 6) + `{"type":"string","maxLength":900}` + strings.Repeat("}}", 6)
	if err := os.WriteFile(filepath.Join(dir, "deep.json"), []byte(deep), 0o600); err != nil {
		t.Fatal(err)
	}
	args := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--schema", "deep.json")
	for range 2 {
		r := runCommand(t, dir, withKey, args...)
		if r.code != exitOK || !strings.Contains(r.stderr, "openai: the schema has 6 levels of objects") ||
			!strings.Contains(r.stderr, "openai: this part of the schema is sent as text, and the answer is checked: #/properties/a") {
			t.Errorf("%+v", r)
		}
	}
}
