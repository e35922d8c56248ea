package replay

import (
	"encoding/json"
	"fmt"
)

// message writes a message of Anthropic's as its events.
func (w *writer) message(body []byte) error {
	m, err := members(body)
	if err != nil {
		return err
	}
	blocks, err := list(m["content"])
	if err != nil {
		return err
	}
	usage, err := members(m["usage"])
	if err != nil {
		return err
	}
	w.typed("message_start", object{"message": with(m, object{
		"content": []any{}, "stop_reason": nil, "stop_sequence": nil, "usage": with(usage, object{"output_tokens": 0}),
	})})
	for n, block := range blocks {
		if err := w.block(n, block); err != nil {
			return err
		}
	}
	delta := object{"stop_reason": m["stop_reason"], "stop_sequence": m["stop_sequence"]}
	for _, name := range []string{"container", "stop_details"} {
		if value, has := m[name]; has {
			delta[name] = value
		}
	}
	w.typed("message_delta", object{"delta": delta, "usage": usage})
	w.typed("message_stop", object{})
	return nil
}

// typed adds an event with its type.
func (w *writer) typed(kind string, value object) {
	value["type"] = kind
	w.data(kind, value)
}

// block writes a block of the content.
func (w *writer) block(n int, block map[string]json.RawMessage) error {
	var kind string
	if err := json.Unmarshal(block["type"], &kind); err != nil {
		return fmt.Errorf("replay: a block has no type: %w", err)
	}
	empty, deltas := object{}, []object(nil)
	switch kind {
	case "text":
		empty["text"] = ""
		deltas = append(deltas, object{"type": "text_delta", "text": block["text"]})
		citations, err := list(block["citations"])
		if err != nil {
			return err
		}
		if len(citations) > 0 {
			empty["citations"] = []any{}
		}
		for _, c := range citations {
			deltas = append(deltas, object{"type": "citations_delta", "citation": c})
		}
	case "thinking":
		empty["thinking"], empty["signature"] = "", ""
		deltas = append(deltas, object{"type": "thinking_delta", "thinking": block["thinking"]}, object{"type": "signature_delta", "signature": block["signature"]})
	case "tool_use", "server_tool_use":
		empty["input"] = object{}
		deltas = append(deltas, object{"type": "input_json_delta", "partial_json": string(block["input"])})
	}
	w.typed("content_block_start", object{"index": n, "content_block": with(block, empty)})
	for _, d := range deltas {
		w.typed("content_block_delta", object{"index": n, "delta": d})
	}
	w.typed("content_block_stop", object{"index": n})
	return nil
}
