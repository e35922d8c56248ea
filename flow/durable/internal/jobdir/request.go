package jobdir

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// Request is what is asked about an item: a chat, which any provider may get,
// or the body of an endpoint, which stays with its provider.
type Request struct {
	Chat *llm.Chat
	Body json.RawMessage // if Chat is nil
}

// A request begins with its form.
const (
	chatForm = 'c' // the rest is an llm.Chat in JSON
	bodyForm = 'b' // the rest is the body
)

// lenient writes and reads whatever text a chat has.
var lenient = jsonv2.JoinOptions(jsontext.AllowInvalidUTF8(true), jsonv2.Deterministic(true))

// AppendChat appends the record of a chat. Chats that ask the same are the same
// bytes.
func AppendChat(dst []byte, chat *llm.Chat) ([]byte, error) {
	dst = append(dst, chatForm)
	if isPlain(chat) {
		return appendPlain(dst, chat)
	}
	text, err := jsonv2.Marshal(chat, lenient)
	if err != nil {
		return nil, fmt.Errorf("durable: encode chat: %w", err)
	}
	return append(dst, text...), nil
}

// AppendBody appends the record of a body.
func AppendBody(dst, body []byte) []byte { return append(append(dst, bodyForm), body...) }

// ReadRequest reads the request of a row, with the turns that were appended to
// its chat.
func ReadRequest(r *segment.Reader, row *Entry) (Request, error) {
	record, err := r.Read(row.Ref)
	if err != nil {
		return Request{}, err
	}
	return row.Request(record)
}

// Request reads the request in a record of the request log. Its body is a part
// of the record.
func (e *Entry) Request(record []byte) (Request, error) {
	_, request, err := splitRequest(record)
	switch {
	case err != nil:
		return Request{}, err
	case len(request) == 0:
		return Request{}, errShort
	case request[0] == bodyForm:
		return Request{Body: request[1:]}, nil
	case request[0] != chatForm:
		return Request{}, errors.New("durable: a request of an unknown form")
	}
	chat := new(llm.Chat)
	if !readPlain(chat, request[1:]) {
		*chat = llm.Chat{}
		if err := jsonv2.Unmarshal(request[1:], chat, lenient); err != nil {
			return Request{}, fmt.Errorf("durable: decode chat: %w", err)
		}
	}
	if more := e.Appended(); len(more) > 0 {
		var turns []llm.Message
		if err := jsonv2.Unmarshal(more, &turns, lenient); err != nil {
			return Request{}, fmt.Errorf("durable: decode appended turns: %w", err)
		}
		*chat = chat.Then(turns...)
	}
	if tokens := e.Limit(); tokens > 0 {
		*chat = raised(*chat, int(tokens))
	}
	return Request{Chat: chat}, nil
}

// raised returns a chat with another limit of tokens, wherever it has one.
func raised(chat llm.Chat, limit int) llm.Chat {
	if chat.Options[limitOption] == nil {
		chat.MaxTokens = limit
		return chat
	}
	chat.Options = maps.Clone(chat.Options)
	chat.Options[limitOption] = strconv.AppendInt(nil, int64(limit), 10)
	return chat
}

// limitOption is the option that some chats have instead of Chat.MaxTokens.
const limitOption = "max_tokens"

// Append returns the entry with further turns of its chat.
func (e Entry) Append(turns ...llm.Message) (Entry, error) {
	var all []llm.Message
	if before := e.Appended(); len(before) > 0 {
		if err := jsonv2.Unmarshal(before, &all, lenient); err != nil {
			return e, fmt.Errorf("durable: decode appended turns: %w", err)
		}
	}
	text, err := jsonv2.Marshal(append(all, turns...), lenient)
	if err != nil {
		return e, fmt.Errorf("durable: encode appended turns: %w", err)
	}
	e.ownPast().appended = text
	return e, nil
}

// Encode returns the body that asks the request on a route.
func (r Request) Encode(codec llm.Codec, route Route) (json.RawMessage, error) {
	if r.Chat == nil {
		return r.Body, nil
	}
	chat, err := r.chatOn(route)
	if err != nil {
		return nil, err
	}
	return encodeChat(codec, route, chat)
}

// chatOn returns the chat with the options of a route.
func (r Request) chatOn(route Route) (llm.Chat, error) {
	if route.Options == "" {
		return *r.Chat, nil
	}
	var defaults llm.Options
	if err := json.Unmarshal([]byte(route.Options), &defaults); err != nil {
		return llm.Chat{}, fmt.Errorf("durable: decode the options of a route: %w", err)
	}
	return r.Chat.WithDefaults(defaults), nil
}

func encodeChat(codec llm.Codec, route Route, chat llm.Chat) (json.RawMessage, error) {
	if codec == nil {
		return nil, errors.New("durable: the provider has no codec for chats")
	}
	q, err := sink.Encode(codec, route.Model, chat)
	return q.Body, err
}
