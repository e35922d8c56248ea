package durable

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestNoticeIsToldAtOnceAndThenRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n notices
		v := Notice{Kind: NoticeRefused, Tag: "A", Text: "first"}
		first, due := n.note(v)
		if !due || first.Times != 1 || !first.Since.Equal(time.Now()) {
			t.Errorf("first: %+v, due %v", first, due)
		}
		if _, due := n.note(Notice{Kind: NoticeRefused, Tag: "B"}); !due {
			t.Error("that of another batch is not due")
		}
		time.Sleep(noticeInterval - time.Second)
		v.Text = "second"
		if second, due := n.note(v); due || second.Times != 2 || !second.Since.Equal(first.Since) {
			t.Errorf("second: %+v, due %v", second, due)
		}
		time.Sleep(time.Second)
		if _, due := n.note(v); !due {
			t.Error("not due after the interval")
		}
		if all := n.list(); len(all) != 2 || all[0].Text != "second" || all[1].Tag != "B" {
			t.Errorf("list: %+v", all)
		}
		if !n.drop(NoticeRefused, "A") || n.drop(NoticeRefused, "A") || len(n.list()) != 1 {
			t.Error("not dropped once")
		}
		if again, due := n.note(v); !due || again.Times != 1 {
			t.Errorf("after it was dropped: %+v, due %v", again, due)
		}
	})
}
