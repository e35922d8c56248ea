package openai

import (
	"net/url"

	"github.com/balerhq/baler/sink/llm"
)

// OpenAI's documented bounds of files in a request, see
// https://platform.openai.com/docs/guides/pdf-files and
// https://platform.openai.com/docs/guides/images-vision.
const (
	maxFileBytes = 50_000_000
	pageTokens   = 1000
	imageBase    = 85
	tileTokens   = 170
	tileSide     = 512
	maxSide      = 2048
	shortSide    = 768
)

// attachments implements sink.Attachments, for a host.
type attachments struct{ host string }

// FileLimits implements sink.Attachments. They are the same for every model. Of other servers that speak the
// protocol nothing is known but an estimate of tokens.
func (a attachments) FileLimits(string) llm.FileLimits {
	l := llm.FileLimits{PageTokens: pageTokens, ImageTokens: imageTokens}
	if own, err := url.Parse(DefaultBaseURL); err == nil && a.host == own.Host {
		l.Bytes = maxFileBytes
		l.Types = []string{"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"}
	}
	return l
}

// imageTokens counts the tiles of an image, which is made smaller before.
func imageTokens(width, height int) int {
	if width <= 0 || height <= 0 {
		return imageBase
	}
	w, h := float64(width), float64(height)
	if scale := maxSide / max(w, h); scale < 1 {
		w, h = w*scale, h*scale
	}
	if scale := shortSide / min(w, h); scale < 1 {
		w, h = w*scale, h*scale
	}
	return imageBase + tileTokens*((int(w)+tileSide-1)/tileSide)*((int(h)+tileSide-1)/tileSide)
}
