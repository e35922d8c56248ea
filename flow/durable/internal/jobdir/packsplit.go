package jobdir

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// CodeNotInAnswer is the code of a row that was asked together with others, and
// whose answer is not among theirs, or not for certain. It is asked alone.
const CodeNotInAnswer = "not_in_answer"

// part is the body of a row that was asked together with others. It begins with
// partPrefix, as no body of a provider does.
type part struct {
	Together together  `json:"asked_together"`
	Text     string    `json:"text,omitempty"`
	Model    string    `json:"model,omitempty"`
	Usage    llm.Usage `json:"usage"`
	Input    int       `json:"input_of_all,omitempty"` // tokens of the whole request, by which its price goes
}

// together says which row of how many it was, counted from 1.
type together struct {
	Row  int `json:"row"`
	Rows int `json:"rows"`
}

const partPrefix = `{"asked_together":`

// Split returns the outcomes of the rows that shared a request. The sizes are
// those of their own requests, by which the input's tokens are shared out. The
// body of the provider stays with the first row.
func Split(o *sink.Outcome, sizes []int, codec llm.Codec) []sink.Outcome {
	all := make([]sink.Outcome, len(sizes))
	if o.Err != nil || len(sizes) == 1 {
		for i := range all {
			all[i] = *o
			if i > 0 {
				all[i].Body = nil
			}
		}
		return all
	}
	var answers map[int]string
	reply, err := codec.Decode(o.Body)
	if err == nil {
		answers = answersTo(reply.Text, len(sizes))
	}
	usages := shareOut(reply.Usage, sizes, answers)
	for i := range all {
		all[i] = sink.Outcome{Status: o.Status}
		text, answered := answers[i+1]
		if !answered {
			all[i].Err = notInAnswer(len(sizes), err)
		}
		whole := o.Body
		if i > 0 {
			whole = nil
		}
		all[i].Body = part{together{i + 1, len(sizes)}, text, reply.Model, usages[i], reply.Usage.Input}.body(whole)
	}
	return all
}

func notInAnswer(rows int, unreadable error) *sink.RowError {
	message := fmt.Sprintf("%d rows were asked together, and the answer to this one is missing or in doubt", rows)
	if unreadable != nil {
		message = fmt.Sprintf("%d rows were asked together, and the answer cannot be read: %v", rows, unreadable)
	}
	return &sink.RowError{Class: retry.Retryable, Code: CodeNotInAnswer, Message: message}
}

// body returns the part in JSON, with the provider's body unchanged.
func (p part) body(whole json.RawMessage) json.RawMessage {
	b, err := json.Marshal(p)
	if err != nil {
		return nil // it cannot be: these are texts and numbers
	}
	if !json.Valid(whole) {
		return b
	}
	b = append(b[:len(b)-1], `,"response":`...)
	return append(append(b, whole...), '}')
}

// readPart reads the body of a row that was asked together with others.
func readPart(body []byte) (p part, ok bool) {
	ok = bytes.HasPrefix(body, []byte(partPrefix)) && json.Unmarshal(body, &p) == nil
	return p, ok
}

// PartUsage returns what a row has used of a request that it shared.
func PartUsage(body []byte) llm.Usage {
	p, _ := readPart(body)
	return p.Usage
}

// InputOf returns how many tokens the input of a row's request had, of which
// the row itself used some.
func InputOf(body []byte, used llm.Usage) int {
	p, _ := readPart(body)
	return max(p.Input, used.Input)
}

// partCodec reads the replies to rows that were asked together, too.
type partCodec struct{ llm.Codec }

// Decode implements llm.Codec.
func (c partCodec) Decode(body json.RawMessage) (llm.Reply, error) {
	if p, ok := readPart(body); ok {
		return p.reply(), nil
	}
	return c.Codec.Decode(body)
}

func (p *part) reply() llm.Reply { return llm.Reply{Text: p.Text, Model: p.Model, Usage: p.Usage} }

// ReadAnswer returns what an outcome that was kept tells, as sink.ReadAnswer
// does.
func ReadAnswer(o *sink.Outcome, codec llm.Codec) sink.Answer {
	if codec == nil {
		return sink.ReadAnswer(o, nil)
	}
	a := sink.ReadAnswer(o, partCodec{codec})
	if o.Err == nil || o.Err.Code != CodeNotInAnswer {
		return a
	}
	if p, ok := readPart(o.Body); ok { // it may have been paid for
		reply := p.reply()
		a.Reply = &reply
	}
	return a
}

// shareOut divides the tokens of a request among the rows that were answered,
// those of the input by the sizes of their requests and those of the output by
// the lengths of their answers. The shares add up to the whole. If no row was
// answered, the first has it all.
func shareOut(whole llm.Usage, sizes []int, answers map[int]string) []llm.Usage {
	shares := make([]llm.Usage, len(sizes))
	if len(answers) == 0 {
		shares[0] = whole
		return shares
	}
	in, out := make([]int, len(sizes)), make([]int, len(sizes))
	for i := range sizes {
		if text, ok := answers[i+1]; ok {
			in[i], out[i] = max(sizes[i], 1), max(len(text), 1)
		}
	}
	divide(whole.CachedInput, in, func(i, n int) { shares[i].CachedInput = n })
	divide(whole.HourWrites, in, func(i, n int) { shares[i].HourWrites = n })
	divide(whole.CacheWrites-whole.HourWrites, in, func(i, n int) { shares[i].CacheWrites = n + shares[i].HourWrites })
	divide(whole.Input-whole.CachedInput-whole.CacheWrites, in, func(i, n int) { shares[i].Input = n + shares[i].CachedInput + shares[i].CacheWrites })
	divide(whole.Reasoning, out, func(i, n int) { shares[i].Reasoning = n })
	divide(whole.Output-whole.Reasoning, out, func(i, n int) { shares[i].Output = n + shares[i].Reasoning })
	return shares
}

// divide gives each its share of a whole by weight. What all so far have is
// rounded down, so that nothing is left over.
func divide(whole int, weights []int, give func(i, n int)) {
	total := 0
	for _, w := range weights {
		total += w
	}
	sum, given := 0, 0
	for i, w := range weights {
		sum += w
		until := int(int64(whole) * int64(sum) / int64(total))
		give(i, until-given)
		given = until
	}
}
