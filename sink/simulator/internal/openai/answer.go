package openai

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
	case "/v1/responses":
		return e.appendResponse(b, reply)
	case "/v1/embeddings":
		return e.appendEmbeddings(b, r, reply)
	case "/v1/moderations":
		return e.appendModerations(b, r, reply)
	case "/v1/completions":
		return e.appendCompletions(b, r, reply)
	default:
		return e.appendChat(b, reply)
	}
}

func (e *rows) appendChat(b []byte, reply protocol.Reply) []byte {
	b = append(b, `{"id":"chatcmpl-`...)
	b = e.appendSerial(b)
	b = append(b, `","object":"chat.completion","created":`...)
	b = strconv.AppendInt(b, e.created, 10)
	b = append(b, `,"model":`...)
	b = scan.AppendString(b, e.batch.Model)
	b = append(b, `,"choices":[{"index":0,"message":{"role":"assistant","content":`...)
	b = appendOrNull(b, reply.Text, reply.Refusal == "")
	b = append(b, `,"refusal":`...)
	b = appendOrNull(b, reply.Refusal, reply.Refusal != "")
	b = append(b, `,"annotations":[]},"logprobs":null,"finish_reason":`...)
	b = scan.AppendString(b, finishReason(reply))
	b = append(b, `}],`...)
	b = appendUsage(b, reply)
	return append(b, `,"service_tier":"default","system_fingerprint":"fp_simulator"}`...)
}

// appendUsage appends the member usage of a chat or a completion.
func appendUsage(b []byte, reply protocol.Reply) []byte {
	b = append(b, `"usage":{"prompt_tokens":`...)
	b = strconv.AppendInt(b, reply.InputTokens, 10)
	b = append(b, `,"completion_tokens":`...)
	b = strconv.AppendInt(b, reply.OutputTokens, 10)
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, reply.InputTokens+reply.OutputTokens, 10)
	b = append(b, `,"prompt_tokens_details":{"cached_tokens":`...)
	b = strconv.AppendInt(b, reply.CachedTokens, 10)
	return append(b, `},"completion_tokens_details":{"reasoning_tokens":0}}`...)
}

func (e *rows) appendResponse(b []byte, reply protocol.Reply) []byte {
	b = append(b, `{"id":"resp_`...)
	b = e.appendSerial(b)
	b = append(b, `","object":"response","created_at":`...)
	b = strconv.AppendInt(b, e.created, 10)
	switch finishReason(reply) {
	case protocol.FinishLength:
		b = append(b, `,"status":"incomplete","error":null,"incomplete_details":{"reason":"max_output_tokens"}`...)
	case protocol.FinishFilter:
		b = append(b, `,"status":"incomplete","error":null,"incomplete_details":{"reason":"content_filter"}`...)
	default:
		b = append(b, `,"status":"completed","error":null,"incomplete_details":null`...)
	}
	b = append(b, `,"model":`...)
	b = scan.AppendString(b, e.batch.Model)
	b = append(b, `,"output":[{"type":"message","id":"msg_`...)
	b = e.appendSerial(b)
	b = append(b, `","role":"assistant","status":"completed","content":[{`...)
	if reply.Refusal != "" {
		b = append(b, `"type":"refusal","refusal":`...)
		b = scan.AppendString(b, reply.Refusal)
	} else {
		b = append(b, `"type":"output_text","annotations":[],"text":`...)
		b = scan.AppendString(b, reply.Text)
	}
	b = append(b, `}]}],"usage":{"input_tokens":`...)
	b = strconv.AppendInt(b, reply.InputTokens, 10)
	b = append(b, `,"input_tokens_details":{"cached_tokens":`...)
	b = strconv.AppendInt(b, reply.CachedTokens, 10)
	b = append(b, `},"output_tokens":`...)
	b = strconv.AppendInt(b, reply.OutputTokens, 10)
	b = append(b, `,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":`...)
	b = strconv.AppendInt(b, reply.InputTokens+reply.OutputTokens, 10)
	return append(b, `}}`...)
}

// appendEmbeddings answers each input with a vector that depends on its text.
func (e *rows) appendEmbeddings(b []byte, r protocol.Row, reply protocol.Reply) []byte {
	p, _ := parseParams(r.Body)
	b = append(b, `{"object":"list","data":[`...)
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
	b = append(b, `],"model":`...)
	b = scan.AppendString(b, e.batch.Model)
	b = append(b, `,"usage":{"prompt_tokens":`...)
	b = strconv.AppendInt(b, reply.InputTokens, 10)
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, reply.InputTokens, 10)
	return append(b, `}}`...)
}

func appendOrNull(b []byte, s string, present bool) []byte {
	if !present {
		return append(b, "null"...)
	}
	return scan.AppendString(b, s)
}

func finishReason(reply protocol.Reply) string {
	return cmp.Or(reply.FinishReason, protocol.FinishStop)
}
