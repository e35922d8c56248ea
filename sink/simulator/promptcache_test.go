package simulator

import (
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/anthropic"
	"github.com/balerhq/baler/sink/simulator/internal/openai"
)

// A beginning is read from the cache of its key and model, as long as it was
// used within its life, and once the one that wrote it has had the time.
func TestABeginningIsCached(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 8000)
	marked := func(text, ttl, question string) string {
		return `{"system":[{"cache_control":{"type":"ephemeral"` + ttl + `},"text":"` + text + `","type":"text"}],"messages":[{"role":"user","content":"` + question + `"}]}`
	}
	plain := func(text, question string) string {
		return `{"messages":[{"content":"` + text + `","role":"system"},{"content":"` + question + `","role":"user"}]}`
	}
	const atAnthropic, atOpenAI = "anthropic", "openai"
	for name, test := range map[string]struct {
		provider, key, model, body string
		after                      time.Duration
		wantRead, wantWritten      bool
		wantHour                   bool
	}{
		"the same":                     {atAnthropic, "k", "m", marked(long, "", "another"), time.Minute, true, false, false},
		"before it can be read":        {atAnthropic, "k", "m", marked(long, "", "another"), 5 * time.Second, false, true, false},
		"after its life":               {atAnthropic, "k", "m", marked(long, "", "another"), time.Hour, false, true, false},
		"another key":                  {atAnthropic, "l", "m", marked(long, "", "another"), time.Minute, false, true, false},
		"another model":                {atAnthropic, "k", "n", marked(long, "", "another"), time.Minute, false, true, false},
		"another beginning":            {atAnthropic, "k", "m", marked(long+"b", `,"ttl":"1h"`, "a"), time.Minute, false, true, true},
		"a short one":                  {atAnthropic, "k", "m", marked("short", "", "another"), time.Minute, false, false, false},
		"no mark":                      {atAnthropic, "k", "m", plain(long, "another"), time.Minute, false, false, false},
		"without marks":                {atOpenAI, "k", "m", plain(long, "another"), time.Minute, true, false, false},
		"another one, without marks":   {atOpenAI, "k", "m", plain("b"+long, "another"), time.Minute, false, false, false},
		"a longer one, without a mark": {atOpenAI, "k", "m", plain(long+"bbbb", "another"), time.Minute, true, false, false},
	} {
		c := promptCache{PromptCache: PromptCache{MinTokens: 1024, Life: 30 * time.Minute, Delay: 10 * time.Second}}
		now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
		ask := func(provider, key, model, body string) (r Reply) {
			req := Row{Provider: provider, Model: model, owner: key, request: openai.Protocol{}.ParseRequest([]byte(body))}
			if provider == atAnthropic {
				req.request = anthropic.Protocol{}.ParseRequest([]byte(body))
			}
			r.InputTokens = int64(len(body) / 4)
			c.ask(&r, &req, now)
			return r
		}
		ask(atAnthropic, "k", "m", marked(long, "", "first"))
		ask(atOpenAI, "k", "m", plain(long, "first"))
		now = now.Add(test.after)
		r := ask(test.provider, test.key, test.model, test.body)
		if (r.CachedTokens >= 1900) != test.wantRead || (r.CachedTokens > 0) != test.wantRead ||
			(r.CacheWrites >= 1900) != test.wantWritten || (r.HourWrites == r.CacheWrites && r.HourWrites > 0) != test.wantHour {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
