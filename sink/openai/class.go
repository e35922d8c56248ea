package openai

import "github.com/balerhq/baler/retry"

// codeClass is the class of a code that comes without a status: of a row
// without a reply of its own, or of a batch that validation refused. Codes that
// nobody knows are Permanent, which holds for a row but not for a whole batch.
func codeClass(code string) retry.Class {
	switch code {
	case "token_limit_exceeded", // lifts when earlier batches end
		"batch_expired", "batch_cancelled", "request_timeout", // never ran
		"server_error", "rate_limit_exceeded":
		return retry.Retryable
	}
	if blocking(code) {
		return retry.Blocked
	}
	return retry.Permanent
}

// atFault are the codes of what is wrong with the rows, or with what all of
// them name: sent again they fail again.
var atFault = map[string]bool{
	"invalid_json_line": true, "missing_required_parameter": true, "invalid_url": true, "model_not_found": true,
	"streaming_unsupported": true, "duplicate_custom_id": true, "empty_file": true, "mismatched_model": true,
}

// tooLarge are the codes of a batch that would pass in parts.
var tooLarge = map[string]bool{
	"request_limit_exceeded": true, "file_too_large": true, "embedding_input_limit_exceeded": true,
}
