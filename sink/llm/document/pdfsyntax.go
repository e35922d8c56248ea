package document

import "bytes"

// dict has the members of a dictionary of a PDF, as they are written.
type dict map[string]string

// maxMember bounds how much of a member is kept. None that is needed is longer.
const maxMember = 256

// readDict reads the dictionary that data begins with, and returns how many
// bytes it has read. It returns nil if there is none, or if it does not end.
func readDict(data []byte) (d dict, size int) {
	t := tokens{data: data}
	if string(t.next()) != "<<" {
		return nil, t.at
	}
	d = make(dict)
	key, value := "", 0
	end := func(at int) {
		if key != "" {
			d[key] = string(bytes.TrimSpace(data[value:min(at, value+maxMember)]))
		}
	}
	for depth := 1; ; {
		token := t.next()
		switch at := t.at - len(token); {
		case len(token) == 0:
			return nil, t.at
		case string(token) == "<<" || string(token) == "[":
			depth++
		case string(token) == ">>" && depth == 1:
			end(at)
			return d, t.at
		case string(token) == ">>" || string(token) == "]":
			depth--
		case depth == 1 && token[0] == '/' && (key == "" || len(bytes.TrimSpace(data[value:at])) > 0):
			end(at)
			key, value = string(token[1:]), t.at
		}
	}
}

// namesIn returns the names in a member.
func namesIn(member string) (names []string) {
	t := tokens{data: []byte(member)}
	for token := t.next(); len(token) > 0; token = t.next() {
		if token[0] == '/' {
			names = append(names, string(token))
		}
	}
	return names
}

// tokens divides the syntax of a PDF.
type tokens struct {
	data []byte
	at   int
}

const (
	spaces = "\x00\t\n\f\r "
	signs  = "()<>[]{}/%"
)

// next returns the next token, none at the end. A text in brackets is one.
func (t *tokens) next() []byte {
	for t.at < len(t.data) {
		switch c := t.data[t.at]; {
		case bytes.IndexByte([]byte(spaces), c) >= 0:
			t.at++
		case c == '%':
			if i := bytes.IndexAny(t.data[t.at:], "\r\n"); i >= 0 {
				t.at += i
			} else {
				t.at = len(t.data)
			}
		default:
			begin := t.at
			t.at += t.size()
			return t.data[begin:t.at]
		}
	}
	return nil
}

// size returns how long the token is that is next.
func (t *tokens) size() int {
	rest := t.data[t.at:]
	switch c := rest[0]; {
	case c == '(':
		return textSize(rest)
	case bytes.HasPrefix(rest, []byte("<<")) || bytes.HasPrefix(rest, []byte(">>")):
		return 2
	case c == '<':
		if i := bytes.IndexByte(rest, '>'); i >= 0 {
			return i + 1
		}
		return len(rest)
	case c != '/' && bytes.IndexByte([]byte(signs), c) >= 0:
		return 1
	}
	for i := 1; i < len(rest); i++ {
		if isEnd[rest[i]] {
			return i
		}
	}
	return len(rest)
}

// isEnd are the bytes that no name, number or word has.
var isEnd = func() (is [256]bool) {
	for _, c := range []byte(spaces + signs) {
		is[c] = true
	}
	return is
}()

// textSize returns how long a text in brackets is.
func textSize(data []byte) int {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(data)
}

// shownLetters counts the letters that a content stream shows, roughly: a
// letter of a text in brackets is a byte, and one in hexadecimal two.
func shownLetters(data []byte) (n int) {
	if !bytes.Contains(data, []byte("Tj")) && !bytes.Contains(data, []byte("TJ")) && !bytes.Contains(data, []byte("'")) {
		return 0
	}
	t := tokens{data: data}
	inText, pending := false, 0
	for token := t.next(); len(token) > 0; token = t.next() {
		switch {
		case string(token) == "BT":
			inText, pending = true, 0
		case string(token) == "ET":
			inText = false
		case !inText:
		case token[0] == '(':
			pending += len(bytes.TrimSpace(token[1:max(1, len(token)-1)]))
		case token[0] == '<' && len(token) > 2:
			pending += (len(token) - 2) / 4
		case string(token) == "Tj" || string(token) == "TJ" || string(token) == "'" || string(token) == `"`:
			n, pending = n+pending, 0
		}
	}
	return n
}
