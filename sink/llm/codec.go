package llm

import (
	"encoding/json"
	"fmt"

	"github.com/balerhq/baler/sink/llm/schema"
)

// Codec writes chats and reads replies in the format of one provider. It is
// safe for concurrent use.
type Codec interface {
	// Endpoint is the path that Encode writes for, such as
	// "/v1/chat/completions".
	Endpoint() string
	// Revision grows when a new version of the Codec asks something else for
	// the same chat. Answers to an earlier revision are not reused.
	Revision() int
	// Encode returns the body, on one line, that puts the chat to the model. It
	// is the same in each call. An error names what the provider does not take;
	// of an option it is a *RefusedOptionError.
	Encode(model string, chat Chat) (json.RawMessage, error)
	// Lower returns a schema as Encode sends it. The error, of one that has no
	// such form, is a *schema.UnsupportedError.
	Lower(s *Schema) (schema.Lowered, error)
	// Check returns an error if a body of an endpoint has a member that the
	// provider is known to refuse, at all or in batches, whether or not Parse
	// can read the body. It is a *RefusedOptionError, or of a schema that has
	// no form which the provider takes, a *schema.UnsupportedError. A provider
	// finds such a row at fault only when its batch runs, so it is checked
	// before anything is bought.
	Check(endpoint string, body json.RawMessage) error
	// Parse reads a body of an endpoint as a chat. Encode writes the same body
	// for it again if Endpoint is that endpoint and Check refuses nothing. If
	// Encode could not, the error is an *UnknownMemberError, and the model is
	// still returned if the body names one. The error for endpoints that have
	// no chats, or that the codec does not know, is errors.ErrUnsupported.
	Parse(endpoint string, body json.RawMessage) (model string, chat Chat, err error)
	// Decode reads the body of a row that succeeded. Bodies of endpoints that
	// have no text, such as embeddings, give an empty Text, Other and the
	// usage.
	Decode(body json.RawMessage) (Reply, error)
}

// UnknownMemberError says that a body cannot be read as a Chat, as one of its
// members has no place in it.
type UnknownMemberError struct {
	// Member is the path of the first such member, such as
	// "messages[2].content[0].input_audio".
	Member string
}

// Error implements error.
func (e *UnknownMemberError) Error() string {
	return fmt.Sprintf("the member %q is not known, so the request stays with its provider as it is", e.Member)
}
