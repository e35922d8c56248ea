package simulator

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestNoRowIsDueTooEarlyOrForgotten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		begin := time.Unix(1_700_000_000, 0)
		p := plan{
			rows:  rapid.IntRange(1, 1_000_000).Draw(t, "rows"),
			begin: begin,
			lasts: time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "lasts")),
			end:   begin.Add(time.Duration(rapid.Int64Range(-1e9, int64(48*time.Hour)).Draw(t, "end"))),
		}
		most := p.due(p.end)
		done := 0
		for now := begin; !p.over(done, now); {
			due := p.due(now)
			if due < done || due > most {
				t.Fatalf("%d rows due after %d, most %d", due, done, most)
			}
			if due > done {
				done = due
				continue
			}
			next := p.next(done)
			if !next.After(now) {
				t.Fatalf("waits at %v until %v, with %d of %d done", now, next, done, p.rows)
			}
			if p.rows <= 100 && p.lasts >= 100 && next.Before(p.end) && p.due(next) != done+1 {
				t.Fatalf("%d due at the next look, want %d", p.due(next), done+1)
			}
			now = next
		}
		if done != most {
			t.Fatalf("over with %d rows, want %d", done, most)
		}
	})
}
