package openai

import (
	"testing"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// A row refers to files that are there and meant for it.
func TestReferences(t *testing.T) {
	t.Parallel()
	files := map[string]string{"file-1": "user_data", "file-2": "batch", "file-3": "vision"}
	file := func(id string) (protocol.File, bool) {
		purpose, found := files[id]
		return protocol.File{Purpose: purpose}, found
	}
	for body, want := range map[string]string{
		`{"messages":[{"role":"user","content":"file_id"}]}`:                                                           "",
		`{"messages":[{"content":"\"file_id\":7"},{"content":[{"type":"text","text":"\"file_id\""}]}]}`:                "",
		`{"messages":[{"content":[{"type":"file","file":{"file_id":"file-1"}}]}]}`:                                     "",
		`{"input":[{"content":[{"type":"input_image","file_id":"file-3"},{"type":"input_file","file_id":"file-1"}]}]}`: "",
		`{"messages":[{"content":[{"type":"file","file":{"file_id":"file-9"}}]}]}`:                                     "No such File object: file-9",
		`{"input":[{"content":[{"type":"input_file","file_id":"file-1"},{"type":"input_file","file_id":"file-9"}]}]}`:  "No such File object: file-9",
		`{"input":[{"content":[{"type":"input_file","file_id":"file-2"}]}]}`:                                           "The file file-2 has the purpose 'batch', which cannot be an input.",
		`{"input":[{"content":[{"type":"input_file","file_id":7}]}]}`:                                                  "Invalid type for 'file_id': expected a string.",
		`{"messages":[{"content":[{"type":"image_url","image_url":{"file_id":"file-1"}}]}]}`:                           "Unknown parameter: 'image_url.file_id'.",
	} {
		got := Protocol{}.References([]byte(body), file)
		if (got == nil) != (want == "") || got != nil && (got.Message != want || got.Status != 400) {
			t.Errorf("%s: %+v, want %q", body, got, want)
		}
	}
}
