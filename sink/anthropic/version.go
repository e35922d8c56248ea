package anthropic

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/schema"
)

// The versions of the API that a Codec writes for.
const (
	Version20261021 = "2026-10-21" // the default
	Version20230601 = "2023-06-01"
)

// revisions are what llm.Codec.Revision returns for each version. They differ,
// because a version is a part of what is asked. A codec that writes something
// else gives each of them a new number.
var revisions = map[string]int{Version20230601: 3, Version20261021: 4}

// Version is the version of the API that the bodies are for, which has to be
// sent with them.
func (c *Codec) Version() string { return cmp.Or(c.version, Version20261021) }

// sampling are the options that Version20261021 refuses, even at their default.
var sampling = []string{"temperature", "top_k", "top_p"}

// refuse returns an error that says what the version does not take in a place.
func (c *Codec) refuse(option, where, instead string) error {
	return &llm.RefusedOptionError{Option: option, Reason: fmt.Sprintf(
		"is refused %sby API version %s: %s, or choose version %s", where, c.Version(), instead, Version20230601,
	)}
}

func (c *Codec) refuseSampling(option string) error {
	return c.refuse(option, "even at its default ", "leave it out")
}

func (c *Codec) refuseDocument() error {
	return c.refuse("document", "in a turn of the assistant ", "put it into a turn of the user")
}

func (c *Codec) refuseCitations() error {
	return c.refuse("citations", "on a text of the user ", "leave it out")
}

// checkChat returns an error that names what the version does not take.
func (c *Codec) checkChat(chat *llm.Chat) error {
	if err := checkCitations(citingOf(chat)); err != nil {
		return err
	}
	if c.Version() == Version20230601 {
		return nil
	}
	for _, name := range sampling {
		if name == "temperature" && chat.Temperature != nil || wire.IsSet(jsontext.Value(chat.Options[name])) {
			return c.refuseSampling(name)
		}
	}
	for i := range chat.Messages {
		m := &chat.Messages[i]
		for j := range m.Parts {
			if err := c.checkPart(m.Role, &m.Parts[j]); err != nil {
				return fmt.Errorf("message %d: part %d: %w", i+1, j+1, err)
			}
		}
	}
	return nil
}

func (c *Codec) checkPart(role llm.Role, p *llm.Part) error {
	switch {
	case role == llm.RoleAssistant && p.Document != nil:
		return c.refuseDocument()
	case isUser(role) && wire.IsText(p) && isNonEmpty(jsontext.Value(p.Options["citations"])):
		return c.refuseCitations()
	}
	return nil
}

func isUser(role llm.Role) bool { return role == llm.RoleUser || role == "" }

// barred are members for which no chat has a place. Without an answer of a
// token a row of a batch is refused.
var barred = wire.Barred{"max_tokens": wire.IsZero, "speed": wire.IsSet, "store": wire.IsSet, "stream": wire.IsTrue}

// Check implements llm.Codec. A body that is no chat, because it has other
// members too, is checked as well.
func (c *Codec) Check(endpoint string, body json.RawMessage) error {
	if endpoint != MessagesEndpoint {
		return nil
	}
	if err := cmp.Or(barred.Check(body), wire.CheckSchema(body, schemaPath+".schema", schema.Anthropic)); err != nil {
		return fmt.Errorf("anthropic: %w", err)
	}
	request := wire.Members(jsontext.Value(body))
	if err := checkCitations(citingIn(request)); err != nil {
		return fmt.Errorf("anthropic: %w", err)
	}
	if c.Version() == Version20230601 {
		return nil
	}
	for _, name := range sampling {
		if wire.IsSet(request[name]) {
			return fmt.Errorf("anthropic: %w", c.refuseSampling(name))
		}
	}
	for i, message := range wire.List(request["messages"]) {
		turn := wire.Members(message)
		for j, block := range wire.List(turn["content"]) {
			if err := c.checkBlock(llm.Role(turn.Text("role")), wire.Members(block)); err != nil {
				return fmt.Errorf("anthropic: messages[%d].content[%d]: %w", i, j, err)
			}
		}
	}
	return nil
}

func (c *Codec) checkBlock(role llm.Role, block wire.Object) error {
	switch kind := block.Text("type"); {
	case role == llm.RoleAssistant && kind == "document":
		return c.refuseDocument()
	case isUser(role) && kind == "text" && isNonEmpty(block["citations"]):
		return c.refuseCitations()
	}
	return nil
}

// isNonEmpty reports whether a member is there and says anything.
func isNonEmpty(v jsontext.Value) bool {
	isEmpty := v.Kind() == '[' && len(wire.List(v)) == 0 || v.Kind() == '{' && len(wire.Members(v)) == 0
	return wire.IsSet(v) && !isEmpty
}
