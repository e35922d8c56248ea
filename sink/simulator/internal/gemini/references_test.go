package gemini

import (
	"testing"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// A row refers to files that are there, by either spelling. Other URIs lead
// anywhere.
func TestReferences(t *testing.T) {
	t.Parallel()
	file := func(id string) (protocol.File, bool) {
		return protocol.File{Purpose: "application/pdf"}, id == "f1"
	}
	const gone = "You do not have permission to access the File f9 or it may not exist."
	for body, want := range map[string]string{
		`{"contents":[{"parts":[{"text":"/v1beta/files/f9"}]}]}`:                                                                        "",
		`{"contents":[{"parts":[{"fileData":{"mimeType":"application/pdf","fileUri":"https://g.test/v1beta/files/f1"}}]}]}`:             "",
		`{"contents":[{"parts":[{"file_data":{"mime_type":"application/pdf","file_uri":"https://g.test/v1/files/f1"}}]}]}`:              "",
		`{"contents":[{"parts":[{"fileData":{"mimeType":"application/pdf","fileUri":"https://example.test/files/f9"}}]}]}`:              "",
		`{"contents":[{"parts":[{"text":"a"},{"fileData":{"mimeType":"application/pdf","fileUri":"http://g.test/v1beta/files/f9"}}]}]}`: gone,
		`{"contents":[{"parts":[{"fileData":{"mimeType":"image/png","fileUri":"https://g.test/v1beta/files/f1"}}]}]}`:                   "The File f1 is not of the mime type of the request.",
	} {
		got := Protocol{}.References([]byte(body), file)
		if (got == nil) != (want == "") || got != nil && got.Message != want {
			t.Errorf("%s: %+v, want %q", body, got, want)
		}
	}
}
