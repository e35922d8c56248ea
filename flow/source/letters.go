package source

import (
	"encoding/json"
	"errors"
)

// DeadLetters yields the rows in a file of dead letters, as retry.DeadLetters
// writes it, under the ids that they had. Line is that of the letter.
func DeadLetters(path string) *File[Row] {
	return newFile(path, nil, letter)
}

func letter(r Row) (Row, error) {
	var l struct {
		ID    string          `json:"id"`
		Route string          `json:"route"`
		Item  json.RawMessage `json:"item"`
	}
	if err := json.Unmarshal(r.JSON, &l); err != nil {
		return r, explainJSON(err)
	}
	if l.ID == "" || len(l.Item) == 0 || l.Item[0] != '{' {
		return r, errors.New(`not a dead letter: each line must be like {"id": "1", "reason": "...", "item": {...}}`)
	}
	return Row{File: r.File, Line: r.Line, JSON: l.Item, ID: l.ID, Route: l.Route}, nil
}
