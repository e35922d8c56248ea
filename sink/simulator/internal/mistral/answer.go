package mistral

import (
	"cmp"
	"strconv"

	"github.com/balerhq/baler/sink/simulator/internal/chatform"
	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// appendAnswer appends the body of a successful response of the row's endpoint.
func (e *rows) appendAnswer(b []byte, r protocol.Row, reply protocol.Reply) []byte {
	switch e.batch.Endpoint {
	case "/v1/embeddings":
		return e.appendEmbeddings(b, r, reply)
	case "/v1/moderations", "/v1/chat/moderations":
		return e.appendJudgements(b, r, reply, appendModeration)
	case "/v1/classifications":
		return e.appendJudgements(b, r, reply, appendClassification)
	case "/v1/ocr":
		return e.appendPages(b, reply)
	case "/v1/conversations":
		return e.appendConversation(b, reply)
	case "/v1/audio/transcriptions":
		return e.appendTranscription(b, reply)
	}
	return e.appendChat(b, reply)
}

// appendID appends the beginning of an answer, with an id of its own.
func (e *rows) appendID(b []byte, object string) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, e.batch.ID[:8]...)
	b = append(b, '-')
	b = strconv.AppendInt(b, int64(e.serial), 10)
	if object != "" {
		b = append(b, `","object":"`...)
		b = append(b, object...)
	}
	return append(b, '"')
}

func (e *rows) appendModel(b []byte) []byte {
	return scan.AppendString(append(b, `,"model":`...), e.model)
}

// appendChat answers a chat, or fills in the middle. A refusal is a text like
// any other.
func (e *rows) appendChat(b []byte, reply protocol.Reply) []byte {
	b = e.appendID(b, "chat.completion")
	b = append(b, `,"created":`...)
	b = strconv.AppendInt(b, e.created, 10)
	b = e.appendModel(b)
	b = append(b, `,"choices":[{"index":0,"message":{"role":"assistant","tool_calls":null,"content":`...)
	b = scan.AppendString(b, reply.Text+reply.Refusal)
	b = append(b, `},"finish_reason":`...)
	b = scan.AppendString(b, finishReason(reply))
	return append(appendUsage(append(b, `}]`...), reply), '}')
}

func appendUsage(b []byte, reply protocol.Reply) []byte {
	b = append(b, `,"usage":{"prompt_tokens":`...)
	b = strconv.AppendInt(b, reply.InputTokens, 10)
	b = append(b, `,"completion_tokens":`...)
	b = strconv.AppendInt(b, reply.OutputTokens, 10)
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, reply.InputTokens+reply.OutputTokens, 10)
	b = append(b, `,"prompt_tokens_details":{"cached_tokens":`...)
	b = strconv.AppendInt(b, reply.CachedTokens, 10)
	return append(b, `}}`...)
}

// finishReason is Mistral's word for why an answer ends.
func finishReason(reply protocol.Reply) string {
	if reply.FinishReason == protocol.FinishFilter {
		return "error"
	}
	return cmp.Or(reply.FinishReason, protocol.FinishStop)
}

// appendEmbeddings answers each input with a vector that depends on its text.
func (e *rows) appendEmbeddings(b []byte, r protocol.Row, reply protocol.Reply) []byte {
	p := parseParams(r.Body)
	b = append(e.appendID(b, "list"), `,"data":[`...)
	for i, input := range chatform.Inputs(p.input) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"object":"embedding","index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `,"embedding":`...)
		b = chatform.AppendVector(b, input, string(p.encoding) == `"base64"`)
		b = append(b, '}')
	}
	reply.OutputTokens = 0
	return append(appendUsage(e.appendModel(append(b, ']')), reply), '}')
}

// appendJudgements judges each input.
func (e *rows) appendJudgements(b []byte, r protocol.Row, reply protocol.Reply, judge func([]byte, bool) []byte) []byte {
	p := parseParams(r.Body)
	b = append(e.appendModel(e.appendID(b, "")), `,"results":[`...)
	for i := range chatform.Inputs(p.input) {
		if i > 0 {
			b = append(b, ',')
		}
		b = judge(b, reply.FinishReason == protocol.FinishFilter)
	}
	reply.OutputTokens = 0
	return append(appendUsage(append(b, ']'), reply), '}')
}

// appendModeration flags what a filter would have stopped.
func appendModeration(b []byte, flagged bool) []byte {
	b = append(b, `{"categories":{"sexual":false,"hate_and_discrimination":false,"violence_and_threats":`...)
	b = strconv.AppendBool(b, flagged)
	b = append(b, `,"dangerous_and_criminal_content":false,"selfharm":false,"health":false,"financial":false,"law":false,"pii":false},`...)
	b = append(b, `"category_scores":{"sexual":0.01,"hate_and_discrimination":0.01,"violence_and_threats":`...)
	b = append(b, map[bool]string{false: "0.01", true: "0.99"}[flagged]...)
	return append(b, `,"dangerous_and_criminal_content":0.01,"selfharm":0.01,"health":0.01,"financial":0.01,"law":0.01,"pii":0.01}}`...)
}

func appendClassification(b []byte, flagged bool) []byte {
	b = append(b, `{"flagged":{"scores":{"yes":`...)
	b = append(b, map[bool]string{false: "0.01", true: "0.99"}[flagged]...)
	return append(b, `}}}`...)
}

// appendPages reads a document of one page.
func (e *rows) appendPages(b []byte, reply protocol.Reply) []byte {
	b = append(b, `{"pages":[{"index":0,"markdown":`...)
	b = scan.AppendString(b, reply.Text+reply.Refusal)
	b = append(b, `,"images":[],"dimensions":{"dpi":200,"height":2200,"width":1700}}]`...)
	return append(e.appendModel(b), `,"document_annotation":null,"usage_info":{"pages_processed":1,"doc_size_bytes":1}}`...)
}

func (e *rows) appendConversation(b []byte, reply protocol.Reply) []byte {
	b = append(b, `{"object":"conversation.response","conversation_id":"conv_`...)
	b = strconv.AppendInt(b, int64(e.serial), 10)
	b = append(b, `","outputs":[{"object":"entry","type":"message.output","role":"assistant","content":`...)
	b = scan.AppendString(b, reply.Text+reply.Refusal)
	b = append(e.appendModel(b), `}]`...)
	return append(appendUsage(b, reply), '}')
}

func (e *rows) appendTranscription(b []byte, reply protocol.Reply) []byte {
	b = scan.AppendString(append(b, `{"text":`...), reply.Text+reply.Refusal)
	b = append(b, `,"language":null,"segments":[]`...)
	return append(appendUsage(e.appendModel(b), reply), '}')
}
