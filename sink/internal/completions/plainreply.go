package completions

import (
	"github.com/balerhq/baler/internal/jsonscan"
	"github.com/balerhq/baler/sink/llm"
)

// decodePlain reads a completion of one choice that is a text, which most are.
// Decode does the same in more time. It reports false for anything else.
func decodePlain(body []byte) (llm.Reply, bool) {
	var r plainReply
	ok := jsonscan.Read(body, r.read)
	r.out.Usage = r.usage.tokens()
	return r.out, ok && r.choices == 1 && r.texts == 1
}

// plainReply is what was read of a body.
type plainReply struct {
	out            llm.Reply
	usage          usage
	choices, texts int
}

func (r *plainReply) read(s *jsonscan.Scanner) {
	lists := 0
	for name := range s.Members() {
		switch string(name) {
		case "model":
			r.out.Model = s.Text()
		case "choices":
			if lists++; lists > 1 {
				s.Fail()
			}
			for range s.Elements() {
				r.choices++
				r.readChoice(s)
			}
		case "usage":
			r.usage.read(s)
		case "status", "output", "incomplete_details", "text":
			s.Fail()
		case "object":
			if s.Kind() != '"' {
				s.Fail()
			}
			s.Value()
		default:
			s.Value()
		}
	}
}

func (r *plainReply) readChoice(s *jsonscan.Scanner) {
	for name := range s.Members() {
		switch string(name) {
		case "finish_reason":
			r.out.Finish = s.Text()
		case "message":
			r.readMessage(s)
		case "text":
			s.Fail()
		default:
			s.Value()
		}
	}
}

func (r *plainReply) readMessage(s *jsonscan.Scanner) {
	for name := range s.Members() {
		switch string(name) {
		case "content":
			r.out.Text = s.Text()
			r.texts++
		case "refusal", "tool_calls", "function_call", "audio":
			s.Null()
		case "annotations":
			for range s.Elements() {
				s.Fail()
			}
		default:
			s.Value()
		}
	}
}

func (u *usage) read(s *jsonscan.Scanner) {
	for name := range s.Members() {
		switch string(name) {
		case "prompt_tokens":
			u.Prompt = s.Int()
		case "completion_tokens":
			u.Completion = s.Int()
		case "input_tokens":
			u.Input = s.Int()
		case "output_tokens":
			u.Output = s.Int()
		case "num_cached_tokens":
			u.NumCached = s.Int()
		case "prompt_tokens_details":
			u.PromptDetail.read(s)
		case "input_tokens_details":
			u.InputDetail.read(s)
		case "completion_tokens_details":
			u.ComplDetail.read(s)
		case "output_tokens_details":
			u.OutputDetail.read(s)
		default:
			s.Value()
		}
	}
}

func (d *details) read(s *jsonscan.Scanner) {
	for name := range s.Members() {
		switch string(name) {
		case "cached_tokens":
			d.Cached = s.Int()
		case "cache_write_tokens":
			d.Writes = s.Int()
		case "reasoning_tokens":
			d.Reasoning = s.Int()
		default:
			s.Value()
		}
	}
}
