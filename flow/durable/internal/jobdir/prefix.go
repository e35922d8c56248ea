package jobdir

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/balerhq/baler/sink/llm"
)

// PrefixOf identifies the beginning of a chat that others may share, and
// returns about how many tokens its texts have and how many files it refers to.
// It is 0 if the chat has none.
func PrefixOf(chat *llm.Chat) (prefix uint64, tokens, files int) {
	begin, ok := chat.Prefix()
	if !ok {
		return 0, 0, 0
	}
	record, err := AppendChat(nil, &begin)
	if err != nil {
		return 0, 0, 0
	}
	for i := range begin.Messages {
		for _, p := range begin.Messages[i].Parts {
			if p.Image != nil || p.Document != nil || p.File != nil {
				files++
			}
		}
	}
	sum := sha256.Sum256(record)
	return max(binary.BigEndian.Uint64(sum[:]), 1), len(record) / BytesPerToken, files
}

// MarkPrefix returns the request with a mark on what others share of its chat,
// if the codec has marks. The chat ends with so many turns that were appended.
func (r Request) MarkPrefix(codec llm.Codec, turns int) Request {
	marker, marks := codec.(llm.PrefixMarker)
	if r.Chat == nil || !marks {
		return r
	}
	asked, all := *r.Chat, r.Chat.Messages
	asked.Messages = all[:len(all)-turns]
	marked := marker.MarkPrefix(asked).Then(all[len(all)-turns:]...)
	return Request{Chat: &marked}
}
