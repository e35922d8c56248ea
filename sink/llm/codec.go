package llm

import "encoding/json"

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
	// is the same in each call. An error names what the provider does not take.
	Encode(model string, chat Chat) (json.RawMessage, error)
	// Decode reads the body of a row that succeeded. Bodies of endpoints that
	// have no text, such as embeddings, give an empty Text, Other and the
	// usage.
	Decode(body json.RawMessage) (Reply, error)
}
