package simulator_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

func TestAFailedBatchRunsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := openaitest.StartInBubble(t, simulator.Config{})
		id := c.Create(c.Upload(openaitest.GoodRow + "\n{").ID).ID
		openaitest.Sleep(time.Second)
		b := c.WantStatus(id, "failed", openaitest.Counts{})
		if b.OutputFileID != "" || b.ErrorFileID != "" || b.FailedAt == 0 {
			t.Errorf("%+v", b)
		}
		openaitest.WantBilled(t, srv, 0)
	})
}

func TestEnqueuedTokensAreHeldUntilABatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := openaitest.StartInBubble(t, simulator.Config{
			Limits:  simulator.Limits{EnqueuedTokens: 50},
			Latency: simulator.Latency{Processing: time.Hour},
		})
		input := c.Upload(openaitest.Chats("a prompt")).ID // about 30 tokens
		first := c.Create(input).ID
		openaitest.Sleep(time.Minute)
		second := c.Create(input).ID
		otherKey := c.As("sk-two").Create(c.As("sk-two").Upload(openaitest.Chats("a prompt")).ID).ID
		openaitest.Sleep(time.Minute)
		c.WantStatus(first, "in_progress", openaitest.Counts{Total: 1})
		c.As("sk-two").WantStatus(otherKey, "in_progress", openaitest.Counts{Total: 1})
		b := c.WantStatus(second, "failed", openaitest.Counts{})
		if e := b.Errors.Data[0]; e.Code != "token_limit_exceeded" || !strings.Contains(e.Message, "gpt-sim") {
			t.Errorf("%+v", e)
		}
		openaitest.Sleep(time.Hour)
		third := c.Create(input).ID
		openaitest.Sleep(time.Minute)
		c.WantStatus(third, "in_progress", openaitest.Counts{Total: 1})
	})
}
