package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/report"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/simulator"
)

// A job of twelve dollars with a budget of five stops below five. With one of
// fifteen it goes on to the end. Plan, status and the receipt say so.
func TestABudgetStopsARunUntilItIsRaised(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{Answer: func(simulator.Row) simulator.Reply {
		return simulator.Reply{Text: "an answer", InputTokens: 1, OutputTokens: 1000}
	}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(100)...)
	writeFile(t, dir, "prices.json", `{"as_of":"2026-11","models":[{"provider":"openai","model":"gpt-test","live":[{"input":0,"output":240}],"batch_factor":0.5}]}`)
	flags := []string{"in.jsonl", "--out", "out.jsonl", "--model", "gpt-test", "--prompt", "Summarise: {{.text}}", "--max-tokens", "1000", "--tenant-field", "id"}
	args := func(more ...string) []string {
		return append(runArgs(server, append(flags, "--batch-size", "10")...), more...)
	}

	plan := runCommand(t, dir, nil, append([]string{"plan", "--prices", "prices.json", "--budget", "5usd"}, flags...)...)
	if plan.code != exitOK || !plan.says("cost about $12 for 100 rows in 1 batch: 4,990 tokens in") || !plan.says("tokens about 4,990 of input") || !plan.says("about $24 at the price of single requests") || !plan.says("budget $5.00, which is not enough") {
		t.Errorf("%+v", plan)
	}
	if r := runCommand(t, dir, withKey, args("--budget", "5usd")...); r.code != exitUsage || !strings.Contains(r.stderr, `"gpt-test" of openai`) || !strings.Contains(r.stderr, "--unknown-price") {
		t.Errorf("%+v", r)
	}

	r := runCommand(t, dir, withKey, args("--prices", "prices.json", "--budget", "5usd")...)
	if r.code != exitResumable || !strings.Contains(r.stderr, "the budget of $5.00 is used up") {
		t.Fatalf("%+v", r)
	}
	for _, line := range []string{"paid $4", "saved $4", "left $0", "for the tenant t-0"} {
		if !r.says(line) {
			t.Errorf("%s: %+v", line, r)
		}
	}
	var s durable.Status
	if err := json.Unmarshal([]byte(runCommand(t, dir, nil, "status", "--json").stdout), &s); err != nil {
		t.Fatal(err)
	}
	if s.Spending.Cost > 5*price.USD || s.Spending.Cost < 4*price.USD || s.Spending.Reserved != 0 || s.Spending.Cost != price.Money(s.Succeeded)*12*price.Cent || !s.NeedsAction {
		t.Errorf("%+v", s.Spending)
	}

	if r := mustCommand(t, dir, "budget", "in", "7usd"); !r.says("of the budget of $7") {
		t.Errorf("%+v", r)
	}
	r = runCommand(t, dir, withKey, args("--prices", "prices.json", "--budget", "5usd")...)
	if r.code != exitResumable || !strings.Contains(r.stderr, "the budget of $7.00 is used up") || !r.says("paid $6") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, nil, "budget", "in", "seven"); r.code != exitUsage || !strings.Contains(r.stderr, "5usd") {
		t.Errorf("%+v", r)
	}

	r = runCommand(t, dir, withKey, args("--prices", "prices.json", "--budget", "15usd")...)
	for _, line := range []string{"succeeded 100", "paid $12", "saved $12 of $24 at the price of single requests", "left $3 of the budget of $15", "$0.12 for the tenant t-0: $0.12 saved of $0.24", "and 90 tenants more"} {
		if r.code != exitOK || !r.says(line) {
			t.Errorf("%s: %+v", line, r)
		}
	}
	if !strings.Contains(r.stderr, "the budget of $7.00 that was set for the run counts no more") {
		t.Errorf("%+v", r)
	}
	sum := price.Money(0)
	for _, row := range readResults(t, filepath.Join(dir, "out.jsonl")) {
		sum += *row.Cost
	}
	if sum != 12*price.USD {
		t.Errorf("the results cost %s", sum)
	}
	if status := runCommand(t, dir, nil, "status"); !status.says("paid $12") {
		t.Errorf("%+v", status)
	}
	var told struct{ Receipt report.Receipt }
	if err := json.Unmarshal([]byte(runCommand(t, dir, nil, "report", "--format", "json").stdout), &told); err != nil {
		t.Fatal(err)
	}
	if got := told.Receipt; got.Paid != 12*price.USD || got.List != 24*price.USD || got.Saved != 12*price.USD || got.Budget != 15*price.USD || len(got.Tenants) != 100 ||
		got.Tenants[7].List != 24*price.Cent || got.Tenants[7].Saved != 12*price.Cent ||
		len(got.Models) != 1 || got.Models[0].Rows != 100 || got.Models[0].Paid != 12*price.USD || got.Models[0].Model != "gpt-test" {
		t.Errorf("%+v", got)
	}
}

func TestBudgetFlagsThatAreWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(1)...)
	for want, args := range map[string][]string{
		"--budget":                 {"--budget", "five"},
		"must be above zero":       {"--budget", "0"},
		"without --tenant-field":   {"--tenant-budget", "1"},
		"--worst-case is about":    {"--worst-case"},
		"--tz is about":            {"--tz", "UTC"},
		"must be a time zone":      {"--day-budget", "1", "--tz", "Nowhere"},
		"must be accept, or dolla": {"--unknown-price", "free"},
		"--prices none.json":       {"--prices", "none.json"},
	} {
		r := runCommand(t, dir, withKey, append([]string{"run", "in.jsonl", "--out", "out", "--model", "gpt-test", "--prompt", "{{.text}}"}, args...)...)
		if r.code != exitUsage || !strings.Contains(r.stderr, strings.TrimSuffix(want, " none.json")) {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

// A plan leaves out rows that earlier runs have answered, says how long such
// batches took, and has the same in JSON. Without a history it says nothing of
// that.
func TestAPlanKnowsEarlierRuns(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "some.jsonl", tickets(30)...)
	writeFile(t, dir, "in.jsonl", tickets(100)...)
	writeFile(t, dir, "prices.json", `{"as_of":"2026-11","models":[{"provider":"openai","model":"gpt-test","live":[{"input":0,"output":2000}],"batch_factor":0.5}]}`)
	flags := []string{"--model", "gpt-test", "--prompt", "Summarise: {{.text}}", "--max-tokens", "1000", "--base-url", server.URL + "/v1", "--prices", "prices.json"}
	plan := func(more ...string) result {
		return runCommand(t, dir, nil, append(append([]string{"plan", "in.jsonl"}, flags...), more...)...)
	}

	if r := plan(); r.code != exitOK || !r.says("about $100 for 100 rows") || strings.Contains(r.stdout, "duration") || strings.Contains(r.stdout, "answered") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, append(runArgs(server, append([]string{"some.jsonl", "--out", "out.jsonl"}, flags...)...), "--batch-size", "3")...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	r := plan("--batch-size", "10", "--max-in-flight", "3")
	for _, line := range []string{"about $70 for 70 rows in 7 batches", "answered 30 rows have an answer of an earlier run", "for 3 rounds of batches", "by 10 batches of earlier runs at openai with gpt-test at about this hour"} {
		if r.code != exitOK || !r.says(line) {
			t.Errorf("%s: %+v", line, r)
		}
	}
	var got struct {
		Schema string
		planned
	}
	r = plan("--json")
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || got.Schema != schemaOf("plan") || got.Rows != 100 || got.Quote.Cached != 30 || got.Quote.Cost() != 70*price.USD ||
		len(got.Expected) != 1 || got.Expected[0].Of.Batches != 10 || got.Expected[0].Most < got.Expected[0].Half || got.Expected[0].Half <= 0 {
		t.Errorf("%v: %+v, %+v", err, r, got)
	}
}

// No amount is shown as nothing, nor as more digits than say something.
func TestCents(t *testing.T) {
	t.Parallel()
	for m, want := range map[price.Money]string{
		0: "$0.00", price.USD * 5: "$5", price.USD*5 + price.USD/2: "$5.50", price.USD / 8: "$0.125", price.USD / 800: "$0.0013",
		65_625_000: "$0.000066", 131_250_000: "$0.00013", 1: "$0.000000000001",
	} {
		if got := cents(m); got != want {
			t.Errorf("%d: %s, want %s", m, got, want)
		}
	}
}
