package gemini

import "github.com/balerhq/baler/sink/llm"

// The Gemini API's documented bounds of files in a request, see
// https://ai.google.dev/gemini-api/docs/document-processing. Larger ones are
// stored there first, and given by their URL.
const (
	maxFileBytes = 20_000_000
	maxStored    = 50_000_000 // of a PDF: "up to 50MB or 1000 pages", "both inline data and Files API uploads"
	maxPages     = 1000
	pageTokens   = 258
	tileTokens   = 258
	tileSide     = 768
)

// attachments implements sink.Attachments.
type attachments struct{}

// FileLimits implements sink.Attachments. They are the same for every model.
func (attachments) FileLimits(string) llm.FileLimits {
	return llm.FileLimits{
		Types: []string{"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif", "application/pdf", "text/plain"},
		Bytes: maxFileBytes, StoredBytes: maxStored, Pages: maxPages, PageTokens: pageTokens, ImageTokens: imageTokens,
	}
}

// imageTokens counts the tiles of an image. A small one is one tile.
func imageTokens(width, height int) int {
	if width <= tileSide/2 && height <= tileSide/2 {
		return tileTokens
	}
	return tileTokens * max((width+tileSide-1)/tileSide, 1) * max((height+tileSide-1)/tileSide, 1)
}
