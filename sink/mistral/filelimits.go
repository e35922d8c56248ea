package mistral

import "github.com/balerhq/baler/sink/llm"

// pageTokens is an estimate.
const pageTokens = 1000

// attachments implements sink.Attachments.
type attachments struct{}

// FileLimits implements sink.Attachments. They are the same for every model.
func (attachments) FileLimits(string) llm.FileLimits {
	return llm.FileLimits{
		Types:      []string{"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"},
		PageTokens: pageTokens,
	}
}
