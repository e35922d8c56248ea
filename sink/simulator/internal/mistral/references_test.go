package mistral

import (
	"testing"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// A row refers to documents that are there and meant for it.
func TestReferences(t *testing.T) {
	t.Parallel()
	files := map[string]string{"f1": "ocr", "f2": "batch"}
	file := func(id string) (protocol.File, bool) {
		purpose, found := files[id]
		return protocol.File{Purpose: purpose}, found
	}
	for body, want := range map[string]string{
		`{"messages":[{"role":"user","content":"\"file_id\""}]}`:                                 "",
		`{"messages":[{"content":[{"type":"text","text":"a"},{"type":"file","file_id":"f1"}]}]}`: "",
		`{"messages":[{"content":"a"},{"content":[{"type":"file","file_id":"f9"}]}]}`:            "File f9 not found",
		`{"messages":[{"content":[{"type":"file","file_id":"f2"}]}]}`:                            "File f2 has the purpose batch, which is not supported in chats",
	} {
		got := Protocol{}.References([]byte(body), file)
		if (got == nil) != (want == "") || got != nil && got.Message != want {
			t.Errorf("%s: %+v, want %q", body, got, want)
		}
	}
}
