package openai_test

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
)

// The bounds are OpenAI's, not those of all servers that speak its protocol.
func TestFileLimitsByServer(t *testing.T) {
	for server, bytes := range map[string]int64{"": 50_000_000, "https://example.com/v1": 0} {
		client, err := openai.New("k", openai.Config{BaseURL: server})
		if err != nil {
			t.Fatal(err)
		}
		l := client.Info().Attachments.FileLimits("m")
		if l.Bytes != bytes || len(l.Types) > 0 != (bytes > 0) || l.ImageTokens(1024, 1024) != 765 || l.ImageTokens(0, 0) != 85 {
			t.Errorf("%q: %+v", server, l)
		}
	}
}

// A text goes as a text: as a file, the endpoint takes PDFs only.
func TestTextDocumentsOfChats(t *testing.T) {
	chat := llm.Chat{Messages: []llm.Message{{Text: "q", Parts: []llm.Part{{Document: &llm.File{Name: "a.md", Type: "text/plain", Data: []byte("# T")}}}}}}
	body, err := client("").Encode("m", chat)
	if err != nil || !strings.Contains(string(body), `{"text":"a.md:\n\n# T","type":"text"}`) {
		t.Errorf("%s, %v", body, err)
	}
}

func client(endpoint string) llm.Codec {
	codec, err := openai.NewCodec(endpoint)
	if err != nil {
		panic(err)
	}
	return codec
}
