package anthropic

import (
	"strings"

	"github.com/balerhq/baler/sink/llm"
)

// Anthropic's documented bounds of the files in a request, see
// https://docs.claude.com/en/docs/build-with-claude/pdf-support.
const (
	maxFileBytes  = 32_000_000
	maxStored     = 500_000_000 // of a file: https://platform.claude.com/docs/en/build-with-claude/files
	maxPages      = 600
	maxShortPages = 100 // of models with a context of 200,000 tokens
	pageTokens    = 2000
	maxImageToken = 1600
	pixelsOfToken = 750
)

// attachments implements sink.Attachments.
type attachments struct{}

// FileLimits implements sink.Attachments.
func (attachments) FileLimits(model string) llm.FileLimits {
	l := llm.FileLimits{
		Types: []string{"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"},
		Bytes: maxFileBytes, StoredBytes: maxStored, Pages: maxPages, Plain: true, PageTokens: pageTokens,
		ImageTokens: func(width, height int) int { return min(width*height/pixelsOfToken+1, maxImageToken) },
	}
	if isShort(model) {
		l.Pages = maxShortPages
	}
	return l
}

// isShort reports whether a model is known to have a context of 200,000 tokens.
func isShort(model string) bool {
	for _, prefix := range []string{"claude-2", "claude-3", "claude-haiku-4", "claude-opus-4-0", "claude-opus-4-1", "claude-opus-4-5", "claude-opus-4-2025", "claude-sonnet-4-5"} {
		if strings.HasPrefix(model, prefix) {
			return true
		}
	}
	return false
}
