package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/report"
	"github.com/balerhq/baler/sink/simulator"
)

// withoutFigures are the commands without --json, and why.
var withoutFigures = map[string]string{
	"init":     "writes a file",
	"preview":  "prints requests, as JSON lines",
	"results":  "prints results, as JSON lines",
	"rm":       "has no figures",
	"serve":    "is a server",
	"exec":     "runs a program, whose output it is",
	"simulate": "is a server",
	"man":      "writes files",
}

func TestEachCommandWithFiguresHasJSON(t *testing.T) {
	t.Parallel()
	for _, cmd := range newRoot().Commands() {
		reason, without := withoutFigures[cmd.Name()]
		if has := cmd.Flag("json") != nil; cmd.Runnable() && has == without {
			t.Errorf("%s: --json is %v, but %q", cmd.Name(), has, reason)
		}
	}
}

// Each object says what it is, and is a line of its own.
func TestFiguresNameTheirSchema(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", append(tickets(3), `{"id":"bad","text":"[[400]]"}`)...)
	asked := func(name, out string, more ...string) []string {
		return ask(server, out, append([]string{"--name", name, "--json", "--no-cache"}, more...)...)
	}
	for _, test := range []struct {
		args   []string
		schema string
		code   int
		want   string
	}{
		{append(strings.Fields("plan in.jsonl --json --model gpt-5.4-mini --prompt {{.text}} --base-url"), server.URL+"/v1"), "baler/plan/v1", exitOK, `"rows":4,`},
		{asked("done", "out.jsonl"), "baler/run/v1", exitFailed, `"succeeded":3,"failed":1,`},
		{asked("later", "later.jsonl", "--ingest"), "baler/run/v1", exitOK, `"succeeded":0,`},
		{asked("after", "after.jsonl", "--ingest"), "baler/run/v1", exitOK, `"out":"after.jsonl"`},
		{[]string{"status", "done", "--json"}, "baler/status/v1", exitOK, `"name":"done"`},
		{[]string{"status", "done", "--json", "--tenants"}, "baler/status/v1", exitOK, `"tenants":[`},
		{[]string{"runs", "--json"}, "baler/status/v1", exitOK, `"name":"after"`},
		{[]string{"wait", "done", "--json"}, "baler/status/v1", exitFailed, `"state":"completed"`},
		{[]string{"pause", "later", "--json"}, "baler/status/v1", exitOK, `"wanted":"paused"`},
		{[]string{"resume", "later", "--json"}, "baler/status/v1", exitOK, `"wanted":"running"`},
		{[]string{"drain", "later", "--json"}, "baler/status/v1", exitOK, `"name":"later"`},
		{[]string{"cancel", "later", "--json"}, "baler/status/v1", exitOK, `"wanted":"cancelled"`},
		{[]string{"report", "done", "--json"}, report.Schema, exitOK, `"rows": 4,`},
		{[]string{"export", "done", "--json", "--dir", "export"}, "baler/export/v1", exitOK, `"requests":4`},
		{[]string{"retry", "done", "--json", "--out", "again.jsonl", "--base-url", server.URL + "/v1", "--poll", "5ms"}, "baler/run/v1", exitFailed, `"name":"done-retry"`},
		{[]string{"prune", "done", "--json"}, "baler/prune/v1", exitOK, `"runs":[{"name":"done"`},
		{[]string{"doctor", "--json"}, "baler/doctor/v1", exitOK, `"jobs":`},
		{[]string{"providers", "--json"}, "baler/providers/v1", exitOK, `"providers":[`},
		{[]string{"models", "--json"}, "baler/models/v1", exitOK, `"models":[`},
		{[]string{"version", "--json"}, "baler/version/v1", exitOK, `"go":`},
	} {
		r := runCommand(t, dir, withKey, test.args...)
		first, _, _ := strings.Cut(r.stdout, "\n")
		if test.schema == report.Schema {
			first = r.stdout
		}
		var got struct{ Schema string }
		if err := json.Unmarshal([]byte(first), &got); err != nil || got.Schema != test.schema || r.code != test.code || !strings.Contains(r.stdout, test.want) {
			t.Errorf("%v: %v, %+v", test.args, err, r)
		}
	}
}
