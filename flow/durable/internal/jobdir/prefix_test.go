package jobdir

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/sink/llm"
)

// Chats that are the same but for their last part share a beginning, whatever
// their limits, and no others do. An entry keeps it, and its request counts
// without.
func TestChatsShareABeginning(t *testing.T) {
	t.Parallel()
	chat := func(change func(*llm.Chat)) uint64 {
		c := llm.Ask("question").As("system")
		change(&c)
		prefix, _, _ := PrefixOf(&c)
		return prefix
	}
	same := chat(func(*llm.Chat) {})
	warm := 0.5
	for name, test := range map[string]struct {
		change func(*llm.Chat)
		shares bool
	}{
		"another question":    {func(c *llm.Chat) { c.Messages[1].Text = "another" }, true},
		"another limit":       {func(c *llm.Chat) { c.MaxTokens, c.Temperature = 5, &warm }, true},
		"another instruction": {func(c *llm.Chat) { c.Messages[0].Text = "other" }, false},
		"another option":      {func(c *llm.Chat) { c.Options = llm.Options{"anthropic.tools": []byte("[]")} }, false},
		"another schema":      {func(c *llm.Chat) { c.Schema = &llm.Schema{JSON: []byte("{}")} }, false},
		"a text before it":    {func(c *llm.Chat) { c.Messages[1].Parts = []llm.Part{{Text: "last"}} }, false},
	} {
		if got := chat(test.change); same == 0 || got == 0 || (got == same) != test.shares {
			t.Errorf("%s: %d and %d", name, same, got)
		}
	}
	if got := chat(func(c *llm.Chat) { c.Messages = c.Messages[1:] }); got != 0 {
		t.Errorf("a question alone has the beginning %d", got)
	}
	e := Entry{Key: "k", Frame: 3}
	e.SetExtra(Extra{Prefix: same, PrefixTokens: 7})
	got, err := DecodeEntry(e.Encode())
	if diff := cmp.Diff(e, got, cmp.AllowUnexported(Entry{}, past{})); err != nil || diff != "" {
		t.Error(diff, err)
	}
	e.Ref = segment.Ref{Len: uint32(len(e.RequestHead()) + 100)}
	if e.Size() != 100 {
		t.Errorf("the request counts %d bytes", e.Size())
	}
}
