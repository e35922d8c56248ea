package durable

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestNoticeIsToldAtOnceAndThenRarely(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n notices
		v := Notice{Kind: NoticeRefused, Tag: "A", Text: "first"}
		first, due := n.add(v)
		if !due || first.Times != 1 || !first.Since.Equal(time.Now()) {
			t.Errorf("first: %+v, due %v", first, due)
		}
		if _, due := n.add(Notice{Kind: NoticeRefused, Tag: "B"}); !due {
			t.Error("that of another batch is not due")
		}
		time.Sleep(noticeInterval - time.Second)
		v.Text = "second"
		if second, due := n.add(v); due || second.Times != 2 || !second.Since.Equal(first.Since) {
			t.Errorf("second: %+v, due %v", second, due)
		}
		time.Sleep(time.Second)
		if _, due := n.add(v); !due {
			t.Error("not due after the interval")
		}
		if all := n.list(); len(all) != 2 || all[0].Text != "second" || all[1].Tag != "B" {
			t.Errorf("list: %+v", all)
		}
		if !n.drop(NoticeRefused, "A") || n.drop(NoticeRefused, "A") || len(n.list()) != 1 {
			t.Error("not dropped once")
		}
		if again, due := n.add(v); due || again.Times != 1 || !again.Since.Equal(time.Now()) {
			t.Errorf("at once after it was dropped: %+v, due %v", again, due)
		}
		time.Sleep(minNoticeInterval)
		if again, due := n.add(v); !due || again.Times != 2 {
			t.Errorf("soon after it was dropped: %+v, due %v", again, due)
		}
	})
}

// What lasts is told ever more rarely: in a day, of what is tried every minute,
// some thirty times.
func TestNoticeThatLastsIsToldRarely(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n notices
		var told []time.Duration
		for start := time.Now(); time.Since(start) < 24*time.Hour; time.Sleep(time.Minute) {
			if _, due := n.add(Notice{Kind: NoticeUnreachable}); due {
				told = append(told, time.Since(start))
			}
		}
		if len(told) != 27 || told[1] != 5*time.Minute || told[2] != 15*time.Minute || told[5] != told[4]+time.Hour {
			t.Errorf("told %d times, at %v", len(told), told)
		}
	})
}
