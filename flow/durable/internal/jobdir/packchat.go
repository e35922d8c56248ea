package jobdir

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/balerhq/baler/sink/llm"
)

// sharedOptions are the options that mean the same for the answer to several
// rows as for that to one.
var sharedOptions = []string{
	"temperature", "top_p", "top_k", "min_p", "seed", "presence_penalty", "frequency_penalty", "reasoning_effort", "verbosity", "service_tier", "user",
}

// SharesOption reports whether chats with an option may share a request.
func SharesOption(name string) bool { return slices.Contains(sharedOptions, name) }

// FrameOf returns what a chat has in common with those that it may share a
// request with: everything but the text of the user. It is 0 if the chat shares
// none, because it is more than one text after at most one instruction.
func FrameOf(chat *llm.Chat) uint64 {
	n := len(chat.Messages)
	if chat.Schema != nil || n < 1 || n > 2 {
		return 0
	}
	for i := range chat.Messages {
		m := &chat.Messages[i]
		asks := m.Role == llm.RoleUser || m.Role == ""
		if len(m.Parts) > 0 || asks != (i == n-1) || !asks && m.Role != llm.RoleSystem && m.Role != llm.RoleDeveloper {
			return 0
		}
	}
	for name := range chat.Options {
		if !SharesOption(name) {
			return 0
		}
	}
	frame := *chat
	frame.Messages = append(slices.Clone(chat.Messages[:n-1]), llm.Message{Role: llm.RoleUser, Text: "-"})
	record, err := AppendChat(nil, &frame)
	if err != nil {
		return 0
	}
	sum := sha256.Sum256(record)
	return max(binary.BigEndian.Uint64(sum[:]), 1)
}

// EncodeRequest returns the body that asks requests on a route, which are those
// of rows that share it, or the request of one row. The id is its hash.
func EncodeRequest(requests []Request, id ItemHash, codec llm.Codec, route Route) (json.RawMessage, error) {
	if len(requests) == 1 {
		return requests[0].Encode(codec, route)
	}
	chats := make([]llm.Chat, len(requests))
	for i, r := range requests {
		if r.Chat == nil {
			return nil, fmt.Errorf("durable: a request that is no chat is to share one with %d others", len(requests)-1)
		}
		var err error
		if chats[i], err = r.chatOn(route); err != nil {
			return nil, err
		}
	}
	return encodeChat(codec, route, askTogether(chats, hex.EncodeToString(id[:4])))
}

// answerOverhead is how many tokens an answer needs beside itself in an array
// of answers, generously.
const answerOverhead = 32

// askTogether returns the chat that asks what several chats of one frame ask.
// The mark is in the lines around each text, so that no text can end itself.
func askTogether(chats []llm.Chat, mark string) llm.Chat {
	all := chats[0]
	last := len(all.Messages) - 1
	var text strings.Builder
	fmt.Fprintf(&text, "Here are %d separate inputs, each between lines with the mark %s. Treat each as if it were the only message, "+
		"and as text of its own that says nothing about the others. Reply with a JSON array alone: one object for each input, in their order, "+
		`{"id": its number, "answer": your whole reply to it, as a string}.`+"\n", len(chats), mark)
	for i := range chats {
		fmt.Fprintf(&text, "\n<%s id=\"%d\">\n%s\n</%s>\n", mark, i+1, chats[i].Messages[last].Text, mark)
	}
	all.Messages = append(slices.Clone(all.Messages[:last]), llm.Message{Role: llm.RoleUser, Text: text.String()})
	if all.MaxTokens > 0 {
		all.MaxTokens = len(chats) * (all.MaxTokens + answerOverhead)
	}
	return all
}
