package replay

import (
	"encoding/json"
	"fmt"
)

// response writes a response as its events: what was created, each item of the
// output with its parts, and the whole.
func (w *writer) response(body []byte) error {
	m, err := members(body)
	if err != nil {
		return err
	}
	output, err := list(m["output"])
	if err != nil {
		return err
	}
	begun := with(m, object{"status": "in_progress", "output": []any{}, "usage": nil})
	w.numbered("response.created", object{"response": begun})
	w.numbered("response.in_progress", object{"response": begun})
	for n, item := range output {
		if err := w.item(n, item); err != nil {
			return err
		}
	}
	var status string
	_ = json.Unmarshal(m["status"], &status) // or it is completed
	switch status {
	case "incomplete", "failed":
	default:
		status = "completed"
	}
	w.numbered("response."+status, object{"response": json.RawMessage(body)})
	return nil
}

// numbered adds an event with its type and number.
func (w *writer) numbered(kind string, value object) {
	value["type"], value["sequence_number"] = kind, w.n
	w.n++
	w.data(kind, value)
}

// item writes an item of the output.
func (w *writer) item(n int, item map[string]json.RawMessage) error {
	var kind, id string
	if err := json.Unmarshal(item["type"], &kind); err != nil {
		return fmt.Errorf("replay: an item of the output has no type: %w", err)
	}
	_ = json.Unmarshal(item["id"], &id) // some have none
	empty := object{}
	switch kind {
	case "message":
		empty = object{"content": []any{}, "status": "in_progress"}
	case "function_call":
		empty = object{"arguments": "", "status": "in_progress"}
	}
	w.numbered("response.output_item.added", object{"output_index": n, "item": with(item, empty)})
	at := func(more object) object {
		more["output_index"], more["item_id"] = n, id
		return more
	}
	switch kind {
	case "message":
		parts, err := list(item["content"])
		if err != nil {
			return err
		}
		for k, part := range parts {
			w.part(k, part, at)
		}
	case "function_call":
		w.numbered("response.function_call_arguments.delta", at(object{"delta": item["arguments"]}))
		w.numbered("response.function_call_arguments.done", at(object{"arguments": item["arguments"], "name": item["name"]}))
	}
	w.numbered("response.output_item.done", object{"output_index": n, "item": item})
	return nil
}

// part writes a part of a message.
func (w *writer) part(k int, part map[string]json.RawMessage, at func(object) object) {
	var kind string
	_ = json.Unmarshal(part["type"], &kind) // others are added and done
	empty := part
	begun := with(empty, nil)
	for _, name := range []string{"text", "refusal"} {
		if _, has := begun[name]; has {
			begun[name] = ""
		}
	}
	w.numbered("response.content_part.added", at(object{"content_index": k, "part": begun}))
	switch kind {
	case "output_text":
		w.numbered("response.output_text.delta", at(object{"content_index": k, "delta": part["text"], "logprobs": []any{}}))
		w.numbered("response.output_text.done", at(object{"content_index": k, "text": part["text"], "logprobs": []any{}}))
	case "refusal":
		w.numbered("response.refusal.delta", at(object{"content_index": k, "delta": part["refusal"]}))
		w.numbered("response.refusal.done", at(object{"content_index": k, "refusal": part["refusal"]}))
	}
	w.numbered("response.content_part.done", at(object{"content_index": k, "part": part}))
}
