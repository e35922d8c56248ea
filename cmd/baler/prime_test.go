package main

import (
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// A plan says what is written to the cache and read from it, or why nothing is.
// The run asks one row first, and its summary says what was read.
func TestAPromptCacheIsPrimed(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{PromptCache: simulator.PromptCache{MinTokens: 1024, Life: time.Hour}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(40)...)
	flags := func(provider, path, model, system string, more ...string) []string {
		return append([]string{
			"in.jsonl", "--provider", provider, "--base-url", server.URL + path, "--model", model,
			"--prompt", "{{.text}}", "--system", system, "--poll", "1ms", "--prime-cache",
		}, more...)
	}
	long := strings.Repeat("The manual says so. ", 300)
	for want, args := range map[string][]string{
		"none is known of m at openai: --prime-cache does nothing there":               flags("openai", "/v1", "m", long),
		"no 3 rows share a beginning of 1,024 tokens, which anthropic needs":           flags("anthropic", "/anthropic", "claude-sonnet-4-5", "Be brief."),
		"40 rows share the beginning of their prompts with others, 1 beginning in all": flags("anthropic", "/anthropic", "claude-sonnet-4-5", long),
		"which no provider promises: it keeps a beginning for 1h0m0s after":            flags("anthropic", "/anthropic", "claude-sonnet-4-5", long),
	} {
		if r := mustCommand(t, dir, append([]string{"plan"}, args...)...); !r.says(want) {
			t.Errorf("%s is missing in\n%s", want, r.stdout)
		}
	}
	run := append([]string{"run"}, flags("anthropic", "/anthropic", "claude-sonnet-4-5", long, "--out", "out.jsonl")...)
	r := runCommand(t, dir, []string{"ANTHROPIC_API_KEY=sk-ant-test"}, run...)
	if r.code != exitOK || !r.says("batches 2") || !r.says("of them read from the provider's cache, 95 % of the input, and 1,519 written to it") {
		t.Errorf("%+v", r)
	}
}
