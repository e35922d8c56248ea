package replay

import "encoding/json"

// chat writes a chat completion as chunks: what each choice says, why it ended,
// and the usage if it is wanted.
func (w *writer) chat(body []byte, usage bool) error {
	m, err := members(body)
	if err != nil {
		return err
	}
	choices, err := list(m["choices"])
	if err != nil {
		return err
	}
	chunk := without(m, "choices", "usage")
	chunk["object"] = "chat.completion.chunk"
	if usage {
		chunk["usage"] = nil
	}
	for _, c := range choices {
		delta, err := deltaOf(c["message"])
		if err != nil {
			return err
		}
		said := without(c, "message")
		said["delta"], said["finish_reason"] = delta, nil
		chunk["choices"] = []object{said}
		w.data("", chunk)
		chunk["choices"] = []object{{"index": c["index"], "delta": object{}, "logprobs": nil, "finish_reason": c["finish_reason"]}}
		w.data("", chunk)
	}
	if usage {
		chunk["choices"], chunk["usage"] = []object{}, m["usage"]
		w.data("", chunk)
	}
	w.done()
	return nil
}

// deltaOf returns a message as the first and only delta: its calls of tools
// have numbers.
func deltaOf(message json.RawMessage) (object, error) {
	m, err := members(message)
	if err != nil {
		return nil, err
	}
	delta := with(m, nil)
	calls, err := list(m["tool_calls"])
	if err != nil {
		return nil, err
	}
	if len(calls) == 0 {
		delete(delta, "tool_calls")
		return delta, nil
	}
	numbered := make([]object, len(calls))
	for n, call := range calls {
		numbered[n] = with(call, object{"index": n})
	}
	delta["tool_calls"] = numbered
	return delta, nil
}

// legacy writes a completion, whose chunks look as it does.
func (w *writer) legacy(body []byte) error {
	if _, err := members(body); err != nil {
		return err
	}
	w.data("", json.RawMessage(body))
	w.done()
	return nil
}
