package catalog

import (
	"strings"

	"github.com/balerhq/baler/sink/gemini"
)

// RowFormat is how the batch files of a provider write a row: an object with an
// id and a request.
type RowFormat struct {
	// ID is the member with the id of the row, a text.
	ID string
	// Body is the member with the request, an object.
	Body string
	// Endpoint returns what a request calls, by its model and by the members
	// that it has; "" if that is not clear. A row may say so itself in a member
	// "url". Endpoint is nil if it has to.
	Endpoint func(model string, has func(member string) bool) string
	// ModelApart says that the batch names the model, so that a request need
	// not.
	ModelApart bool
}

// always is the Endpoint of a provider that has but one.
func always(endpoint string) func(string, func(string) bool) string {
	return func(string, func(string) bool) string { return endpoint }
}

func geminiEndpoint(_ string, has func(string) bool) string {
	switch {
	case has("contents"):
		return gemini.ContentEndpoint
	case has("content"):
		return gemini.EmbedEndpoint
	}
	return ""
}

func mistralEndpoint(model string, has func(string) bool) string {
	switch {
	case has("messages"):
		return "/v1/chat/completions"
	case has("prompt"):
		return "/v1/fim/completions"
	case has("document"):
		return "/v1/ocr"
	case has("input") && strings.Contains(model, "embed"):
		return "/v1/embeddings"
	case has("input") && strings.Contains(model, "moderation"):
		return "/v1/moderations"
	}
	return ""
}
