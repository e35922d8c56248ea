package simulator_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

func TestWaitServesUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := openaitest.StartInBubble(t, simulator.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		waited := make(chan error)
		go func() { waited <- srv.Wait(ctx) }()
		openaitest.Sleep(time.Hour - time.Second)
		c.Do(200, "GET", "/v1/batches", "", nil)
		if err := <-waited; err != nil {
			t.Error(err)
		}
		if _, _, err := c.Try("GET", "/v1/batches", "", nil); err == nil {
			t.Error("it still serves")
		}
	})
}

func TestLinesMayBeLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := strings.Repeat("long answer ", 300_000)
		_, c := openaitest.StartInBubble(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
			return simulator.Reply{Text: answer[:len(r.Prompt())*3]}
		}})
		prompts := []string{strings.Repeat("a", 1_200_000), "short", strings.Repeat("b", 64<<10), strings.Repeat("é", 65_000)}
		_, output, _ := complete(c, openaitest.Chats(prompts...))
		lines := c.ByID(output)
		for i, id := range []string{"row-0", "row-1", "row-2", "row-3"} {
			if got := lines[id].Response.Body.Choices[0].Message.Content; got != answer[:len(prompts[i])*3] {
				t.Errorf("%s: an answer of %d bytes, want %d", id, len(got), len(prompts[i])*3)
			}
		}
	})
}

func TestAMissingInputFileIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := simulator.Config{Dir: t.TempDir(), Latency: openaitest.Slow}
		srv, c := openaitest.StartInBubble(t, cfg)
		file := c.Upload(openaitest.Many(10)).ID
		c.Create(file)
		openaitest.Sleep(time.Hour)
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(cfg.Dir, "content", file)); err != nil {
			t.Fatal(err)
		}
		sim, err := simulator.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := sim.Close(); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("close: %v, want an error about %s", err, file)
		}
	})
}
