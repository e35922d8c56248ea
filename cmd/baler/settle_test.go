package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

// The results of a batch stay away: the run ends by itself, says what to do,
// and does what a person decides.
func TestSettleDecidesAboutMissingRows(t *testing.T) {
	t.Parallel()
	for _, missing := range []string{"fail", "again"} {
		server, dir := startSimulator(t, simulator.Config{Faults: []simulator.Fault{
			{Route: "GET /v1/files/{id}/content", Action: simulator.ActionReplace, Status: http.StatusNotFound, Body: "{}", Times: -1},
		}}), t.TempDir()
		writeFile(t, dir, "in.jsonl", tickets(10)...)
		args := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "gpt-test", "--prompt", "{{.text}}", "--grace", "100ms", "--name", "some")
		r := runCommand(t, dir, withKey, args...)
		batch := server.Batches()[0].ID
		advice := "baler settle some --batch " + batch + " --missing fail|again"
		if r.code != exitResumable || !strings.Contains(r.stderr, advice) || !strings.Contains(r.stderr, "10 rows") {
			t.Fatalf("%+v", r)
		}
		if s := runCommand(t, dir, withKey, "status"); s.code != exitOK || !s.says("10 missing") || !strings.Contains(s.stdout, "baler settle some --batch "+batch) {
			t.Errorf("status %+v", s)
		}
		for _, wrong := range [][]string{
			{"--batch", batch, "--missing", "all"}, {"--batch", batch}, {"--missing", "fail"}, {"--batch", "other", "--missing", "fail"},
		} {
			if s := runCommand(t, dir, withKey, append([]string{"settle", "some"}, wrong...)...); s.code != exitUsage {
				t.Errorf("%q: %+v", wrong, s)
			}
		}
		for range 2 {
			if s := runCommand(t, dir, withKey, "settle", "some", "--batch", batch, "--missing", missing); s.code != exitOK {
				t.Fatalf("%+v", s)
			}
		}
		if missing == "again" {
			if err := server.SetFaults(); err != nil {
				t.Fatal(err)
			}
			// What the provider has by now counts, so that nothing goes again.
		}
		r = runCommand(t, dir, withKey, args...)
		want := map[string]int{"fail": exitFailed, "again": exitOK}[missing]
		if r.code != want || missing == "fail" && !r.says("10 result_missing") {
			t.Errorf("%s: %+v", missing, r)
		}
		if n := len(readResults(t, filepath.Join(dir, "out.jsonl"))); n != 10 || len(server.Batches()) != 1 {
			t.Errorf("%s: %d results, %d batches", missing, n, len(server.Batches()))
		}
	}
}

// A batch whose creation was not answered, at a provider that lists nothing, is
// waited for until a person has its rows bought again. What it may have cost is
// in the receipt.
func TestSettleBuysRowsInDoubtAgain(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{Faults: []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.ActionResetAfter},
		{Route: "GET /v1/batches", Action: simulator.ActionFail, Status: http.StatusServiceUnavailable, From: 2, Times: -1},
	}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(10)...)
	args := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "gpt-5.4-mini", "--prompt", "{{.text}}", "--grace", "100ms", "--name", "some")
	run := startCommand(t, dir, args...)
	s := statusOf(t, dir, "some", func(s durable.Status) bool { return len(s.Open) == 1 && s.Open[0].State == "unknown" })
	tag := s.Open[0].Tag
	for _, wrong := range [][]string{
		{"--batch", tag, "--unclear", "again"},
		{"--batch", "other", "--unclear", "buy-again"},
		{"--batch", tag, "--missing", "again"},
		{"--batch", tag, "--missing", "again", "--unclear", "buy-again"},
	} {
		if s := runCommand(t, dir, withKey, append([]string{"settle", "some"}, wrong...)...); s.code != exitUsage {
			t.Errorf("%q: %+v", wrong, s)
		}
	}
	mustCommand(t, dir, "settle", "some", "--batch", tag, "--unclear", "buy-again")
	r := run.end()
	if n := len(readResults(t, filepath.Join(dir, "out.jsonl"))); r.code != exitOK || n != 10 || len(server.Batches()) != 2 || !strings.Contains(r.stdout, "wasted") {
		t.Errorf("%d results, %+v", n, r)
	}
}
