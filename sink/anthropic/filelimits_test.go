package anthropic_test

import (
	"testing"

	"github.com/balerhq/baler/sink/anthropic"
)

func TestFileLimitsByModel(t *testing.T) {
	client, err := anthropic.New("k", anthropic.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for model, pages := range map[string]int{"claude-haiku-4-5": 100, "claude-haiku-5.5": 600, "claude-opus-4-6": 600, "claude-opus-4-5-20251101": 100} {
		l := client.Info().Attachments.FileLimits(model)
		if l.Pages != pages || l.Bytes != 32_000_000 || l.PageTokens != 2000 || l.ImageTokens(1000, 750) != 1001 || l.ImageTokens(9000, 9000) != 1600 {
			t.Errorf("%s: %+v", model, l)
		}
	}
}
