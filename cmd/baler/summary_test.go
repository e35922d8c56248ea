package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/llm"
)

func TestSummaryNamesWhatIsOddAndNothingElse(t *testing.T) {
	summary := func(r durable.Report) result {
		var out bytes.Buffer
		printSummary(&out, r, "out.jsonl")
		return result{stdout: out.String()}
	}
	odd := summary(durable.Report{
		Unexpected:     durable.UnexpectedRows{Missing: 1234, Repeated: 2, Foreign: 3, Surplus: 4},
		DuplicateSpend: llm.Usage{Input: 1000, Output: 500},
	})
	for _, line := range []string{
		"missing 1,234 rows", "repeated 2 results", "foreign 3 results", "surplus 4 results", "wasted 1,500 tokens",
	} {
		if !odd.says(line) {
			t.Errorf("no line %q in\n%s", line, odd.stdout)
		}
	}
	failed := summary(durable.Report{
		Progress: durable.Progress{Failed: 1203}, Failures: map[string]int{"refusal": 3, "max_tokens": 1200},
	})
	if want := "failed 1,203 1,200 max_tokens 3 refusal from cache"; !failed.says(want) {
		t.Errorf("no lines %q in\n%s", want, failed.stdout)
	}
	again := summary(durable.Report{Progress: durable.Progress{FromCache: 30}, Cached: 1030})
	if want := "from cache 1,030 30 of them answered in other runs, 1,000 of them done before this start"; !again.says(want) {
		t.Errorf("no line %q in\n%s", want, again.stdout)
	}
	plain := summary(durable.Report{})
	for _, name := range []string{"missing", "repeated", "foreign", "surplus", "wasted"} {
		if strings.Contains(plain.stdout, name) {
			t.Errorf("%s is named in\n%s", name, plain.stdout)
		}
	}
}

// Two routes of one model are told apart by their endpoints.
func TestSummaryTellsRoutesOfOneModelApart(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	report := durable.Report{Progress: durable.Progress{Routes: []durable.RouteProgress{
		{Provider: "openai", Model: "m", Endpoint: "/v1/chat/completions", Succeeded: 1},
		{Provider: "openai", Model: "m", Endpoint: "/v1/embeddings", Succeeded: 2},
		{Provider: "openai", Model: "other", Endpoint: "/v1/embeddings", Succeeded: 3},
	}}}
	printSummary(&out, report, "out")
	for _, want := range []string{"by m at openai /v1/chat/completions: 1 row", "by m at openai /v1/embeddings: 2 rows", "by other at openai: 3 rows"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}
