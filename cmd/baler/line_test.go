package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/sink/simulator"
)

// idsOf returns the ids of result lines, in their order.
func idsOf(t *testing.T, text string) (ids []string) {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		var r durable.Result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

func TestRowsLeaveByAField(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl",
		`{"id":"a","text":"1","urgency":"low","due":"2026-12-24"}`, `{"id":"b","text":"2"}`, `{"id":"c","text":"3","urgency":7,"due":"2026-12-23T23:59:59+01:00"}`,
		`{"id":"d","text":"4","urgency":"High","due":"2026-12-23T23:30:00Z"}`)
	for order, flags := range map[string][]string{
		"[c d b a]": {"--priority-field", "urgency"},
		"[c d a b]": {"--deadline-field", "due"},
	} {
		name := flags[1]
		args := append([]string{"in.jsonl", "--name", name, "--out", name + ".jsonl", "--model", "m", "--prompt", "{{.text}}", "--max-in-flight", "1", "--no-cache"}, flags...)
		r := runCommand(t, dir, withKey, append(runArgs(server, args...), "--batch-size", "1")...)
		out, err := os.ReadFile(filepath.Join(dir, name+".jsonl"))
		if got := fmt.Sprint(idsOf(t, string(out))); r.code != exitOK || err != nil || got != order {
			t.Errorf("by %s came %s, want %s: %+v, %v", name, got, order, r, err)
		}
	}
}

func TestRowsOfTenants(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	var rows []string
	for i := range 60 {
		rows = append(rows, fmt.Sprintf(`{"id":"t-%d","text":"%d","customer":%q}`, i, i, []string{"acme", "tiny"}[i%2]))
	}
	writeFile(t, dir, "in.jsonl", rows...)
	args := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}",
		"--tenant-field", "customer", "--queue", "fair", "--tenant-weight", "acme=3", "--tenant-limit", "12", "--tenant-batches", "3", "--separate-tenants")
	if r := runCommand(t, dir, withKey, args...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	r := runCommand(t, dir, nil, "results", "--tenant", "tiny", "--ordered")
	if ids := idsOf(t, r.stdout); r.code != exitOK || len(ids) != 30 || ids[0] != "t-1" || strings.Contains(r.stdout, "acme") {
		t.Errorf("%+v", r)
	}
	r = runCommand(t, dir, nil, "status", "--tenants")
	if _, counts, _ := strings.Cut(r.stdout, "CANCELLED"); !slices.Equal(strings.Fields(counts), strings.Fields("acme 30 30 0 0 0 0 tiny 30 30 0 0 0 0")) {
		t.Errorf("%+v", r)
	}
	r = runCommand(t, dir, nil, "status", "--tenant", "tiny", "--json")
	var s tenantStatus
	if err := json.Unmarshal([]byte(r.stdout), &s); err != nil || s.Rows != 60 || len(s.Tenants) != 1 || s.Tenants[0] != (archive.Tenant{Tenant: "tiny", Rows: 30, Succeeded: 30}) {
		t.Errorf("%v, %+v, %+v", err, s.Tenants, r)
	}
	if r := runCommand(t, dir, nil, "status", "--tenant", "nobody"); r.code != exitUsage || !strings.Contains(r.stderr, `the tenant "nobody"`) {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, append(args, "--tenant-field", "text")...); r.code != exitUsage || !strings.Contains(r.stderr, "--tenant-field") {
		t.Errorf("another field: %+v", r)
	}
}

func TestALineThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", `{"id":"a","text":"1","n":"soon"}`)
	for _, test := range []struct{ want, flags string }{
		{`in.jsonl:1: field "n" is "soon": must be low, normal`, "--priority-field n"},
		{`in.jsonl:1: field "n" is "soon": must be a date`, "--deadline-field n"},
		{"rows leave by one of them", "--deadline-field n --priority-field n"},
		{`--queue is "fifo"`, "--queue fifo"},
		{"--tenant-field is missing", "--queue fair"},
		{"--tenant-field is missing", "--separate-tenants"},
		{"is for --queue fair", "--tenant-field n --tenant-weight a=2"},
		{`--tenant-weight "a=0"`, "--tenant-field n --queue fair --tenant-weight a=0"},
		{"--aging is for --queue aged", "--aging 1m"},
	} {
		args := append([]string{"in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}"}, strings.Fields(test.flags)...)
		if r := runCommand(t, dir, withKey, runArgs(server, args...)...); r.code != exitUsage || !strings.Contains(r.stdout+r.stderr, test.want) {
			t.Errorf("%s: %+v, want %q", test.flags, r, test.want)
		}
	}
}
