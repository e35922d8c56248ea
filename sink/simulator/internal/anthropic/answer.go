package anthropic

import (
	"strconv"
	"strings"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// appendMessage appends what the model says.
func (e *rows) appendMessage(b []byte, r protocol.Row, reply protocol.Reply) []byte {
	e.serial++
	b = append(b, `{"id":"msg_`...)
	b = append(append(b, e.batch.ID...), '_')
	b = strconv.AppendInt(b, int64(e.serial), 10)
	b = append(b, `","type":"message","role":"assistant","model":`...)
	b = scan.AppendString(b, r.Model)
	b = append(b, `,"content":[`...)
	b = appendContent(b, reply)
	b = append(b, `],"stop_reason":`...)
	b = scan.AppendString(b, stopReason(reply))
	b = append(b, `,"stop_sequence":null,"stop_details":`...)
	b = appendStopDetails(b, reply)
	return append(e.appendUsage(b, reply), '}')
}

// appendContent appends the blocks of an answer. One that cites something has
// its first word in a block of its own, and what is cited for the rest.
func appendContent(b []byte, reply protocol.Reply) []byte {
	if reply.Text == "" {
		return b
	}
	text := reply.Text
	if first, rest, more := strings.Cut(text, " "); more && len(reply.Citations) > 0 {
		b = append(b, `{"type":"text","text":`...)
		b = scan.AppendString(b, first+" ")
		b = append(b, "},"...)
		text = rest
	}
	b = append(b, `{"type":"text","text":`...)
	b = scan.AppendString(b, text)
	for i, c := range reply.Citations {
		if i == 0 {
			b = append(b, `,"citations":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendCitation(b, c)
	}
	if len(reply.Citations) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}

// locations are what citations call the places that they name.
var locations = map[protocol.Location]struct{ kind, start, end string }{
	protocol.CharLocation:  {"char_location", "start_char_index", "end_char_index"},
	protocol.PageLocation:  {"page_location", "start_page_number", "end_page_number"},
	protocol.BlockLocation: {"content_block_location", "start_block_index", "end_block_index"},
}

func appendCitation(b []byte, c protocol.Citation) []byte {
	where, known := locations[c.Kind]
	if !known {
		where = locations[protocol.CharLocation]
	}
	b = append(b, `{"type":"`+where.kind+`","cited_text":`...)
	b = scan.AppendString(b, c.Text)
	b = append(b, `,"document_index":`...)
	b = strconv.AppendInt(b, int64(c.Document), 10)
	b = append(b, `,"document_title":null,"file_id":null,"`+where.start+`":`...)
	b = strconv.AppendInt(b, int64(c.Start), 10)
	b = append(b, `,"`+where.end+`":`...)
	b = strconv.AppendInt(b, int64(c.End), 10)
	return append(b, '}')
}

// stopReason is why an answer ends in Anthropic's words. A filter that stops it
// is a refusal.
func stopReason(reply protocol.Reply) string {
	switch {
	case reply.Refusal != "", reply.FinishReason == protocol.FinishFilter:
		return "refusal"
	case reply.FinishReason == protocol.FinishLength:
		return "max_tokens"
	case reply.FinishReason == "", reply.FinishReason == protocol.FinishStop:
		return "end_turn"
	}
	return reply.FinishReason
}

func appendStopDetails(b []byte, reply protocol.Reply) []byte {
	if stopReason(reply) != "refusal" {
		return append(b, "null"...)
	}
	b = append(b, `{"type":"refusal","category":null,"explanation":`...)
	if reply.Refusal == "" {
		return append(b, "null}"...)
	}
	return append(scan.AppendString(b, reply.Refusal), '}')
}

// appendUsage appends the member usage. What came from the cache or was written
// to it is not among the input.
func (e *rows) appendUsage(b []byte, reply protocol.Reply) []byte {
	b = append(b, `,"usage":{"input_tokens":`...)
	b = strconv.AppendInt(b, reply.InputTokens-reply.CachedTokens-reply.CacheWrites, 10)
	b = append(b, `,"cache_creation_input_tokens":`...)
	b = strconv.AppendInt(b, reply.CacheWrites, 10)
	b = append(b, `,"cache_read_input_tokens":`...)
	b = strconv.AppendInt(b, reply.CachedTokens, 10)
	b = append(b, `,"cache_creation":{"ephemeral_5m_input_tokens":`...)
	b = strconv.AppendInt(b, reply.CacheWrites-reply.HourWrites, 10)
	b = append(b, `,"ephemeral_1h_input_tokens":`...)
	b = strconv.AppendInt(b, reply.HourWrites, 10)
	b = append(b, `},"output_tokens":`...)
	b = strconv.AppendInt(b, reply.OutputTokens, 10)
	return append(b, `,"service_tier":"`+e.tier+`"}`...)
}
