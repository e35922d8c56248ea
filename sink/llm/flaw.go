package llm

import "strings"

// Flaw is why a reply is no full answer, though the provider took the request
// for done. It is the code that a row fails with.
type Flaw string

// The flaws. The zero Flaw is that of a full answer.
const (
	Cut         Flaw = "max_tokens"     // it reached the limit of tokens
	Filtered    Flaw = "content_filter" // the provider held it back
	Refused     Flaw = "refusal"        // the model would not answer
	Interrupted Flaw = "interrupted"    // the model was stopped
	Empty       Flaw = "empty_answer"   // it says nothing
)

// String says in a few words what is wrong.
func (f Flaw) String() string {
	switch f {
	case Cut:
		return "the answer was cut off at the limit of tokens"
	case Filtered:
		return "the provider's filter held the answer back, or a part of it"
	case Refused:
		return "the model refused to answer"
	case Interrupted:
		return "the model was stopped before the answer was complete"
	case Empty:
		return "the answer is empty"
	}
	return string(f)
}

// Flaw reports why the reply is no full answer, "" if it is one.
func (r Reply) Flaw() Flaw {
	stop := stops[strings.ToLower(r.Finish)]
	switch {
	case r.Refusal != "":
		return Refused
	case stop != "":
		return stop
	case !r.Other && strings.TrimSpace(r.Text) == "":
		return Empty
	}
	return ""
}

// stops are the words of providers for what ended a reply early, in lower case.
var stops = map[string]Flaw{
	"length": Cut, "max_tokens": Cut, "max_output_tokens": Cut, "model_length": Cut, "model_context_window_exceeded": Cut,
	"content_filter": Filtered, "safety": Filtered, "recitation": Filtered, "blocklist": Filtered, "prohibited_content": Filtered, "spii": Filtered,
	"refusal": Refused,
	"error":   Interrupted, "abort": Interrupted, "aborted": Interrupted, "cancelled": Interrupted, "incomplete": Interrupted,
	"failed": Interrupted, "in_progress": Interrupted, "queued": Interrupted,
}
