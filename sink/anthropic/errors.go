package anthropic

import (
	"net/http"
	"slices"
	"strings"

	"github.com/balerhq/baler/internal/errorbody"
	"github.com/balerhq/baler/retry"
)

// ReadError is Anthropic's retry.Grammar.
func ReadError(effect retry.Effect, status int, header http.Header, body []byte) error {
	if status/100 == 2 {
		return nil
	}
	b := errorbody.Read(body)
	return retry.Reply{
		Status: status, Header: header,
		Code: b.Word(), Message: b.Message, Param: b.Param, RequestID: b.RequestID,
		Blocked: blocking(b.Word()) || blocking(b.Type) || capped(b.Message),
	}.Err(effect)
}

// blocking reports whether a code says that the account, its workspace or its
// key needs a person, whatever status it comes with.
func blocking(code string) bool {
	switch code {
	case "billing_error",
		"enforced_spend_limit_reached", "contract_spend_limit_reached",
		"organization_on_hold", "cmek_key_disabled",
		"claude_code_key_creator_not_member", "workspace_human_review_disabled":
		return true
	}
	return false
}

// capped reports whether a message says that the account is empty, or has
// reached a limit that it has set itself. The code of these replies is that of
// a malformed request, so there is no other sign.
func capped(message string) bool {
	return slices.ContainsFunc([]string{
		"You have reached your specified API usage limits",
		"Your credit balance is too low",
	}, func(start string) bool { return strings.HasPrefix(message, start) })
}
