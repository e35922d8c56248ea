package jobdir

import (
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// Only answers count whose ids leave no doubt.
func TestAnswersWithADoubtfulIDDoNotCount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[int]string{
		`[{"id":1,"answer":"a"},{"id":2,"answer":"b"},{"id":3,"answer":"c"}]`:                       {1: "a", 2: "b", 3: "c"},
		"Here you are:\n```json\n[{\"id\":\"1\",\"answer\":\"a\"}]\n```":                            {1: "a"},
		`{"answers":[{"id":2,"answer":{"x":1}}]}`:                                                   {2: `{"x":1}`},
		`[{"id":1,"answer":"say \"a\""},{"id":2,"answer":"]"}] and [more]`:                          {1: `say "a"`, 2: "]"},
		`[{"id":1,"answer":"a"},{"id":3,"answer":"c"}]`:                                             {1: "a", 3: "c"}, // one is missing
		`[{"id":1,"answer":"a"},{"id":2,"answer":"b"},{"id":3,"answer":"c`:                          {1: "a", 2: "b"}, // cut
		`[{"id":1,"answer":"a"},{"id":2,"answer":"b"},{"id":2,"answer":"B"},{"id":3,"answer":"c"}]`: {1: "a", 3: "c"}, // twice
		`[{"id":1,"answer":"a"},{"id":3,"answer":"b"},{"id":2,"answer":"c"}]`:                       {1: "a"},         // swapped
		`[{"id":3,"answer":"a"},{"id":2,"answer":"b"},{"id":1,"answer":"c"}]`:                       {2: "b"},         // swapped
		`[{"id":2,"answer":"a"},{"id":3,"answer":"b"},{"id":1,"answer":"c"}]`:                       {},               // moved
		`[{"id":1,"answer":"a"},{"id":2,"answer":"b"},{"id":9,"answer":"c"}]`:                       {1: "a", 2: "b"}, // another id
		`[{"id":1,"answer":"a"},{"id":2,"answer":"b"},{"id":3,"answer":"c"},{"id":4,"answer":"d"}]`: {},               // one too many
		`[{"id":1,"answer":"a"},{"answer":"?"},{"id":2,"answer":"b"},{"id":3,"answer":"c"}]`:        {},               // one without an id
		`[{"id":1,"answer":"a"},{"id":2,"answer":"b","answer":"B"},{"id":3,"answer":"c"}]`:          {1: "a"},         // two answers
		`[{"id":1,"answer":null},{"id":2},{"id":3,"answer":"  "}]`:                                  {},               // no answers
		`[[1,"a"],{"id":2,"answer":"b"}]`:                                                           {2: "b"},         // no object
		`[{"id":1.5,"answer":"a"},{"id":-1,"answer":"b"},{"id":99999999999999999999,"answer":"c"}]`: {},               // no ids
		`I cannot do that.`: {},
		`[1`:                {},
	} {
		if got := answersTo(text, 3); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// fixedCodec reads the same reply from every body.
type fixedCodec struct {
	llm.Codec
	reply llm.Reply
	err   error
}

func (c fixedCodec) Decode(json.RawMessage) (llm.Reply, error) { return c.reply, c.err }

// The shares of the usage add up to the whole, and parts of a share stay within
// it, whichever rows were answered.
func TestUsageIsSharedOutWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(0, 5000), 2, 30).Draw(t, "sizes")
		number := rapid.IntRange(0, 20000)
		whole := llm.Usage{CachedInput: number.Draw(t, "cached"), CacheWrites: number.Draw(t, "writes"), Reasoning: number.Draw(t, "reasoning")}
		whole.HourWrites = rapid.IntRange(0, whole.CacheWrites).Draw(t, "for an hour")
		whole.Input = whole.CachedInput + whole.CacheWrites + number.Draw(t, "input")
		whole.Output = whole.Reasoning + number.Draw(t, "output")
		var text []string
		for i := range sizes {
			if rapid.Bool().Draw(t, "answered") {
				text = append(text, `{"id":`+strconv.Itoa(i+1)+`,"answer":"`+strings.Repeat("a", 1+sizes[i]%7)+`"}`)
			}
		}
		codec := fixedCodec{reply: llm.Reply{Text: "[" + strings.Join(text, ",") + "]", Model: "m", Usage: whole}}
		sum, answered := llm.Usage{}, 0
		for i, o := range Split(&sink.Outcome{Status: 200, Body: json.RawMessage(`{"b":1}`)}, sizes, codec) {
			share := PartUsage(o.Body)
			if share.Input < share.CachedInput+share.CacheWrites || share.Output < share.Reasoning || share.CachedInput < 0 || share.HourWrites < 0 || share.HourWrites > share.CacheWrites || share.Output < 0 {
				t.Errorf("row %d has %+v of %+v", i, share, whole)
			}
			if o.Err == nil {
				answered++
			}
			if evidence := strings.HasSuffix(string(o.Body), `,"response":{"b":1}}`); evidence != (i == 0) || !json.Valid(o.Body) {
				t.Errorf("row %d: %s", i, o.Body)
			}
			sum = sum.Add(share)
		}
		if sum != whole || answered != len(text) {
			t.Errorf("the shares are %+v of %+v, %d of %d answered", sum, whole, answered, len(text))
		}
	})
}

// A request that failed as a whole fails for each of its rows. One whose answer
// cannot be read answers none.
func TestAFailureIsThatOfAllRowsOfARequest(t *testing.T) {
	t.Parallel()
	failure := &sink.RowError{Class: retry.Permanent, Code: "bad"}
	codec := fixedCodec{err: errors.New("no reply")}
	for i, o := range Split(&sink.Outcome{Status: 400, Body: json.RawMessage(`{}`), Err: failure}, []int{1, 2}, codec) {
		if o.Err != failure || o.Status != 400 || (o.Body != nil) != (i == 0) {
			t.Errorf("row %d: %+v", i, o)
		}
	}
	for i, o := range Split(&sink.Outcome{Status: 200, Body: json.RawMessage(`no JSON`)}, []int{1, 2}, codec) {
		if o.Err == nil || o.Err.Code != CodeNotInAnswer || o.Err.Class != retry.Retryable || !json.Valid(o.Body) {
			t.Errorf("row %d: %+v", i, o)
		}
	}
}

// Rows share requests within the limits, in an order that puts those of one
// frame together. Those that cannot share any have their own.
func TestRowsShareRequestsWithinTheLimits(t *testing.T) {
	t.Parallel()
	var entries []Entry
	add := func(frame uint64, size int, alone bool, appended string) {
		e := Entry{Key: strconv.Itoa(len(entries)), Frame: frame, Alone: alone}
		e.ownPast().appended = []byte(appended)
		e.Ref = segment.Ref{Len: uint32(size + requestOverhead + EntrySize + len(e.Key))}
		if frame != 0 {
			e.Ref.Len += frameSize
		}
		entries = append(entries, e)
	}
	for i := range 12 {
		add(uint64(1+i%2), 10, false, "")
	}
	add(0, 10, false, "")
	add(1, 10, true, "")
	add(2, 10, false, "[]")
	add(1, 100, false, "")
	pack := PackEntries(entries, intent.Pack{Rows: 4, Bytes: 30})
	if want := (&intent.Pack{Rows: 4, Bytes: 30, Requests: 8}); !cmp.Equal(pack, want) {
		t.Fatalf("%+v, want %+v", pack, want)
	}
	var got []string
	for i, together := range Together(entries, pack) {
		got = append(got, entries[i].Key)
		if !together {
			got[i] += "!"
		}
	}
	if s, want := strings.Join(got, " "), "12! 13! 14! 0 2 4 6 8 10 15! 1 3 5 7 9 11"; s != want {
		t.Errorf("%s, want %s", s, want)
	}
	if pack := PackEntries([]Entry{{Frame: 1, Target: 1}, {Frame: 1, Target: 2}}, intent.Pack{Rows: 4}); pack != nil {
		t.Errorf("rows of two tenants have %+v", pack)
	}
	if pack := PackEntries(entries[:3], intent.Pack{Rows: 4}); pack != nil {
		t.Errorf("rows that share nothing have %+v", pack)
	}
}

// Only chats that are equal but for one text share a request.
func TestOnlyChatsOfOneFrameShareARequest(t *testing.T) {
	t.Parallel()
	warm := 0.5
	plain := FrameOf(new(llm.Ask("a").As("s")))
	if again := FrameOf(new(llm.Ask("b").As("s"))); plain == 0 || again != plain {
		t.Errorf("frames %d and %d", plain, again)
	}
	for name, chat := range map[string]llm.Chat{
		"no instruction": llm.Ask("a"),
		"another one":    llm.Ask("a").As("other"),
		"a temperature":  {Messages: llm.Ask("a").As("s").Messages, Temperature: &warm},
		"a bound":        {Messages: llm.Ask("a").As("s").Messages, MaxTokens: 5},
		"a top_p":        {Messages: llm.Ask("a").As("s").Messages, Options: llm.Options{"top_p": json.RawMessage("1")}},
	} {
		if frame := FrameOf(&chat); frame == 0 || frame == plain {
			t.Errorf("%s: frame %d", name, frame)
		}
	}
	for name, chat := range map[string]llm.Chat{
		"a schema":          {Messages: llm.Ask("a").Messages, Schema: &llm.Schema{}},
		"a stop":            {Messages: llm.Ask("a").Messages, Options: llm.Options{"stop": json.RawMessage(`"x"`)}},
		"an image":          {Messages: []llm.Message{{Parts: []llm.Part{{Text: "a"}}}}},
		"several turns":     llm.Ask("a").Then(llm.Message{Role: llm.RoleAssistant, Text: "b"}, llm.Message{Text: "c"}),
		"only instructions": {Messages: []llm.Message{{Role: llm.RoleSystem, Text: "a"}}},
		"nothing":           {},
	} {
		if frame := FrameOf(&chat); frame != 0 {
			t.Errorf("%s: frame %d", name, frame)
		}
	}
}
