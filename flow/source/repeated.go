package source

import (
	"bytes"
	"encoding/json"
)

// manyMembers is from how many on the names of an object are in a map.
const manyMembers = 32

// members are the names that an open object, or array, has so far.
type members struct {
	object bool
	name   bool // the next string is one
	names  [][]byte
	many   map[string]struct{}
}

// repetitions looks for names that come twice. It keeps its room from line to
// line.
type repetitions struct{ open []members } // from the outermost on

// find returns the name that an object of the line, at any depth, has twice,
// and the column of the second, or 0. Readers of JSON do not agree on which of
// them counts. The line need not be valid JSON otherwise.
func (r *repetitions) find(line []byte) (name string, column int) {
	open := r.open[:0]
	defer func() { r.open = open }()
	for at := 0; at < len(line); at++ {
		var top *members
		if len(open) > 0 {
			top = &open[len(open)-1]
		}
		switch c := line[at]; {
		case c == '{' || c == '[':
			open = push(open, c == '{')
		case c == '"':
			end := stringEnd(line, at)
			if top != nil && top.name && top.has(line[at:end]) {
				return string(unquote(line[at:end])), at + 1
			}
			at = end - 1
		case top == nil:
		case c == '}' || c == ']':
			open = open[:len(open)-1]
		case c == ':':
			top.name = false
		case c == ',':
			top.name = top.object
		}
	}
	return "", 0
}

// push opens an object or array, in the room of one that was closed before.
func push(open []members, object bool) []members {
	if len(open) < cap(open) {
		open = open[:len(open)+1]
	} else {
		open = append(open, members{})
	}
	m := &open[len(open)-1]
	*m = members{object: object, name: object, names: m.names[:0]}
	return open
}

// has adds a quoted name, unless it is there already.
func (m *members) has(quoted []byte) bool {
	name := unquote(quoted)
	if m.many != nil {
		_, ok := m.many[string(name)]
		m.many[string(name)] = struct{}{}
		return ok
	}
	for _, n := range m.names {
		if bytes.Equal(n, name) {
			return true
		}
	}
	if m.names = append(m.names, name); len(m.names) == manyMembers {
		m.many = make(map[string]struct{}, 2*manyMembers)
		for _, n := range m.names {
			m.many[string(n)] = struct{}{}
		}
	}
	return false
}

// stringEnd is the place after the string that begins at a quote.
func stringEnd(line []byte, begin int) int {
	for at := begin + 1; at < len(line); {
		n := bytes.IndexByte(line[at:], '"')
		if n < 0 {
			break
		}
		at += n
		escapes := at
		for escapes-1 > begin && line[escapes-1] == '\\' {
			escapes--
		}
		at++
		if (at-1-escapes)%2 == 0 {
			return at
		}
	}
	return len(line)
}

// unquote is what a string says, as it stands if it cannot be read.
func unquote(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') >= 0 {
		var s string
		if json.Unmarshal(quoted, &s) == nil {
			return []byte(s)
		}
	}
	if len(quoted) >= 2 && quoted[len(quoted)-1] == '"' {
		return quoted[1 : len(quoted)-1]
	}
	return quoted[1:]
}
