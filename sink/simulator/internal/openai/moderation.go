package openai

import (
	"strconv"

	"github.com/balerhq/baler/sink/simulator/internal/chatform"
	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// defaultModerator is the model of a moderation that names none.
const defaultModerator = "omni-moderation-latest"

// harms are what a moderation looks for.
var harms = []string{
	"harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
	"self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence", "violence/graphic",
}

// appendModerations judges each input. A reply that a filter ended is one about
// violence.
func (e *rows) appendModerations(b []byte, r protocol.Row, reply protocol.Reply) []byte {
	p, _ := parseParams(r.Body)
	flagged := finishReason(reply) == protocol.FinishFilter
	b = append(b, `{"id":"modr-`...)
	b = e.appendSerial(b)
	b = append(b, `","model":`...)
	b = scan.AppendString(b, e.batch.Model)
	b = append(b, `,"results":[`...)
	for i := range chatform.Inputs(p.input) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"flagged":`...)
		b = strconv.AppendBool(b, flagged)
		b = appendHarms(b, "categories", func(b []byte, harm string) []byte {
			return strconv.AppendBool(b, flagged && harm == "violence")
		})
		b = appendHarms(b, "category_scores", func(b []byte, harm string) []byte {
			if flagged && harm == "violence" {
				return append(b, "0.99"...)
			}
			return append(b, "0.01"...)
		})
		b = appendHarms(b, "category_applied_input_types", func(b []byte, _ string) []byte {
			return append(b, `["text"]`...)
		})
		b = append(b, '}')
	}
	return append(b, `]}`...)
}

// appendHarms appends a member whose value has a member for each harm.
func appendHarms(b []byte, name string, value func([]byte, string) []byte) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	for i, harm := range harms {
		b = append(b, "{,"[min(i, 1)])
		b = scan.AppendString(b, harm)
		b = append(b, ':')
		b = value(b, harm)
	}
	return append(b, '}')
}

// appendCompletions completes each prompt with the same text.
func (e *rows) appendCompletions(b []byte, r protocol.Row, reply protocol.Reply) []byte {
	p, _ := parseParams(r.Body)
	b = append(b, `{"id":"cmpl-`...)
	b = e.appendSerial(b)
	b = append(b, `","object":"text_completion","created":`...)
	b = strconv.AppendInt(b, e.created, 10)
	b = append(b, `,"model":`...)
	b = scan.AppendString(b, e.batch.Model)
	b = append(b, `,"choices":[`...)
	for i := range chatform.Inputs(p.prompt) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `,"text":`...)
		b = scan.AppendString(b, reply.Text+reply.Refusal)
		b = append(b, `,"logprobs":null,"finish_reason":`...)
		b = scan.AppendString(b, finishReason(reply))
		b = append(b, '}')
	}
	b = append(b, `],`...)
	return append(appendUsage(b, reply), '}')
}
