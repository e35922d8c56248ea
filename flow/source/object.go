package source

import (
	"fmt"
	"unicode/utf8"
)

// heads returns what stands before each value of an object, nil for one that is
// left out.
func heads(names []string) [][]byte {
	all := make([][]byte, len(names))
	first := byte('{')
	for i, name := range names {
		if name == "" {
			continue
		}
		all[i] = append(appendQuoted([]byte{first}, name), ':')
		first = ','
	}
	return all
}

// object writes a record as a JSON object, valid until the next call.
func (c *csvReader) object(record []string) ([]byte, error) {
	c.json = c.json[:0]
	for i, value := range record {
		if c.heads[i] == nil {
			continue
		}
		value = showQuotes(value)
		if !utf8.ValidString(value) {
			return nil, fmt.Errorf("field %q is not valid UTF-8: save the file as UTF-8", c.names[i])
		}
		c.json = appendQuoted(append(c.json, c.heads[i]...), value)
	}
	c.json = append(c.json, '}')
	return c.json, nil
}

// appendQuoted appends valid UTF-8 as a JSON string. Unlike encoding/json it
// leaves all that JSON does not require to be escaped.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			dst = appendEscaped(append(dst, s[start:i]...), c)
			start = i + 1
		}
	}
	return append(append(dst, s[start:]...), '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
