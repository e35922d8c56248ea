package main

import (
	"bytes"
	"encoding/json"
	"text/template/parse"
)

// piece is a text of a template, or a field.
type piece struct{ text, field string }

// piecesOf returns what a template consists of, nil if anything of it is neither
// a text nor a field of the row.
func piecesOf(list *parse.ListNode) (all []piece) {
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.TextNode:
			all = append(all, piece{text: string(n.Text)})
		case *parse.CommentNode:
		case *parse.ActionNode:
			name := soleField(n)
			if name == "" {
				return nil
			}
			all = append(all, piece{field: name})
		default:
			return nil
		}
	}
	return all
}

// soleField returns the name in {{.name}}, "" of anything else.
func soleField(n *parse.ActionNode) string {
	if len(n.Pipe.Decl) > 0 || len(n.Pipe.Cmds) != 1 || len(n.Pipe.Cmds[0].Args) != 1 {
		return ""
	}
	if f, ok := n.Pipe.Cmds[0].Args[0].(*parse.FieldNode); ok && len(f.Ident) == 1 {
		return f.Ident[0]
	}
	return ""
}

// joined writes the pieces. It reports false if a field is neither a text nor a
// number.
func joined(to *bytes.Buffer, pieces []piece, fields map[string]any) bool {
	for _, p := range pieces {
		to.WriteString(p.text)
		if p.field == "" {
			continue
		}
		switch v := fields[p.field].(type) {
		case string:
			to.WriteString(v)
		case json.Number:
			to.WriteString(v.String())
		default:
			return false
		}
	}
	return true
}
