//go:build unix

package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/balerhq/baler/internal/chaos/provider"
)

// shape is what an input looks like.
type shape string

const (
	jsonl   shape = "jsonl"
	unnamed shape = "unnamed" // JSONL whose rows have no ids: they are known by their lines
	table   shape = "csv"
	ready   shape = "batch" // rows in batch format
)

var shapes = []shape{jsonl, jsonl, unnamed, table, ready}

const prompt = "Summarise: "

// item is a row of the input.
type item struct {
	id, text string
	line     int
}

// key is how the row is known in the output.
func (i item) key(s shape) string {
	if s == unnamed {
		return "line:" + strconv.Itoa(i.line)
	}
	return i.id
}

// question is what the provider is to be asked.
func (i item) question() string { return prompt + i.text }

var spice = []string{
	`"quoted"`, "a\nnew line", `back\slash`, "ümlaut", "日本語", "{{.text}}", "<script>&amp;", "\u2028", "tab\there", "emoji 🙂", ",;|", "'",
}

// drawItems draws the rows, some of them twice. No two have the same text.
func drawItems(r *rand.Rand, w *world) []item {
	items := make([]item, 0, w.Rows+w.Repeats)
	for i := range w.Rows {
		words := []string{fmt.Sprintf("order %d", i)}
		for range r.IntN(6) {
			words = append(words, spice[r.IntN(len(spice))])
		}
		if r.IntN(50) == 0 {
			words = append(words, strings.Repeat("and so on ", r.IntN(800)))
		}
		items = append(items, item{id: fmt.Sprintf("t-%d", i), text: strings.Join(words, " ")})
	}
	for range w.Repeats {
		items = append(items, items[r.IntN(w.Rows)])
	}
	r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	for i := range items {
		items[i].line = i + 1
	}
	return items
}

func (w *world) inputName() string {
	if w.Shape == table {
		return "in.csv"
	}
	return "in.jsonl"
}

// render is the input as a file.
func render(w *world) ([]byte, error) {
	var b bytes.Buffer
	if w.Shape == table {
		c := csv.NewWriter(&b)
		rows := [][]string{{"id", "text"}}
		for _, i := range w.input {
			rows = append(rows, []string{i.id, i.text})
		}
		err := c.WriteAll(rows)
		return b.Bytes(), err
	}
	enc := json.NewEncoder(&b)
	for _, i := range w.input {
		var row any
		switch w.Shape {
		case ready:
			row = readyRow(w.Protocol, i)
		case unnamed:
			row = map[string]any{"text": i.text, "n": i.line}
		case jsonl, table:
			row = map[string]any{"id": i.id, "text": i.text}
		}
		if err := enc.Encode(row); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// readyRow is a row as the protocol has it in a batch.
func readyRow(protocol string, i item) any {
	messages := []any{map[string]any{"role": "user", "content": i.question()}}
	if protocol == provider.Anthropic {
		return map[string]any{"custom_id": i.id, "params": map[string]any{"model": "claude-m", "max_tokens": 100, "messages": messages}}
	}
	return map[string]any{"custom_id": i.id, "method": "POST", "url": "/v1/chat/completions", "body": map[string]any{
		"model": "m", "temperature": 0.5, "messages": messages,
	}}
}
