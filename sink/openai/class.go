package openai

import "github.com/balerhq/baler/retry"

// codeClass is the class of a code that comes without a status: of a batch that
// validation refused, or of a row without a reply of its own. Codes that nobody
// knows are Permanent.
func codeClass(code string) retry.Class {
	switch code {
	case "token_limit_exceeded", // lifts when earlier batches end
		"batch_expired", "batch_cancelled", "request_timeout", // never ran
		"server_error", "rate_limit_exceeded":
		return retry.Retryable
	case "insufficient_quota", "billing_hard_limit_reached", "billing_not_active":
		return retry.Blocked
	}
	return retry.Permanent
}
