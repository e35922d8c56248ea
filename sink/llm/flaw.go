package llm

import "strings"

// Flaw is why a reply is no full answer, though the provider took the request
// for done. It is the code that a row fails with.
type Flaw string

// The flaws. The zero Flaw is that of a full answer.
const (
	FlawCut         Flaw = "max_tokens"     // it reached the limit of tokens
	FlawFiltered    Flaw = "content_filter" // the provider held it back
	FlawRefused     Flaw = "refusal"        // the model would not answer
	FlawInterrupted Flaw = "interrupted"    // the model was stopped
	FlawEmpty       Flaw = "empty_answer"   // it says nothing
)

// String says in a few words what is wrong.
func (f Flaw) String() string {
	switch f {
	case FlawCut:
		return "the answer was cut off at the limit of tokens"
	case FlawFiltered:
		return "the provider's filter held the answer back, or a part of it"
	case FlawRefused:
		return "the model refused to answer"
	case FlawInterrupted:
		return "the model was stopped before the answer was complete"
	case FlawEmpty:
		return "the answer is empty"
	}
	return string(f)
}

// Flaw reports why the reply is no full answer, "" if it is one.
func (r Reply) Flaw() Flaw {
	stop := stops[strings.ToLower(r.Finish)]
	switch {
	case r.Refusal != "":
		return FlawRefused
	case stop != "":
		return stop
	case !r.Other && strings.TrimSpace(r.Text) == "":
		return FlawEmpty
	}
	return ""
}

// stops are the words of providers for what ended a reply early, in lower case.
var stops = map[string]Flaw{
	"length": FlawCut, "max_tokens": FlawCut, "max_output_tokens": FlawCut, "model_length": FlawCut, "model_context_window_exceeded": FlawCut,
	"content_filter": FlawFiltered, "safety": FlawFiltered, "recitation": FlawFiltered, "blocklist": FlawFiltered, "prohibited_content": FlawFiltered, "spii": FlawFiltered,
	"image_safety": FlawFiltered, "image_prohibited_content": FlawFiltered, "image_recitation": FlawFiltered, "model_armor": FlawFiltered, "image_other": FlawFiltered,
	"refusal": FlawRefused,
	"error":   FlawInterrupted, "abort": FlawInterrupted, "aborted": FlawInterrupted, "cancelled": FlawInterrupted, "incomplete": FlawInterrupted,
	"failed": FlawInterrupted, "in_progress": FlawInterrupted, "queued": FlawInterrupted,
	"pause_turn": FlawInterrupted, "language": FlawInterrupted, "other": FlawInterrupted,
	"malformed_function_call": FlawInterrupted, "unexpected_tool_call": FlawInterrupted, "too_many_tool_calls": FlawInterrupted,
	"no_image": FlawInterrupted, "continuation": FlawInterrupted,
}
