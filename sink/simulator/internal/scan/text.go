package scan

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"unicode/utf8"
)

// text consumes a string.
func (s *scanner) text() bool {
	if !s.next('"') {
		return false
	}
	for {
		s.plain()
		if s.pos == len(s.data) {
			return false
		}
		c := s.data[s.pos]
		s.pos++
		switch {
		case c == '"':
			return true
		case c == '\\':
			if !s.escape() {
				return false
			}
		case c < ' ':
			return false
		}
	}
}

// plain skips characters that mean nothing special in a string, eight at a
// time: most of a row is such text.
func (s *scanner) plain() {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; s.pos+8 <= len(s.data); s.pos += 8 {
		x := binary.LittleEndian.Uint64(s.data[s.pos:])
		quote, backslash := x^ones*'"', x^ones*'\\'
		// A byte's top bit is set if the byte is below a space, or zero.
		if ((x-ones*' ')&^x|(quote-ones)&^quote|(backslash-ones)&^backslash)&tops != 0 {
			return
		}
	}
}

func (s *scanner) escape() bool {
	if s.pos == len(s.data) {
		return false
	}
	c := s.data[s.pos]
	s.pos++
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		return s.hex(4)
	}
	return false
}

// hex consumes n hexadecimal digits.
func (s *scanner) hex(n int) bool {
	for ; n > 0 && s.pos < len(s.data); n-- {
		switch c := s.data[s.pos]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
			s.pos++
		default:
			return false
		}
	}
	return n == 0
}

// Unquote returns the string that a raw JSON value holds.
func Unquote(raw []byte) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner), true
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}
