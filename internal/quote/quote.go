// Package quote writes texts as JSON strings. It looks at eight bytes at a time,
// since all that a job sends passes here twice.
package quote

import (
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Append appends s as a JSON string, byte for byte as jsontext.AppendQuote does:
// only what JSON requires is escaped, and what is not UTF-8 is replaced.
func Append(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		dst, _ = jsontext.AppendQuote(dst, s) // complete also with an error
		return dst
	}
	dst = append(dst, '"')
	for {
		n := plain(s)
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return append(dst, '"')
		}
		dst = appendEscaped(dst, s[n])
		s = s[n+1:]
	}
}

// IsPlain reports whether s is the content of a JSON string as it stands.
func IsPlain(s string) bool { return plain(s) == len(s) && utf8.ValidString(s) }

// plain returns the number of bytes before the first that must be escaped.
func plain(s string) int {
	i := 0
	for len(s)-i >= 8 && !anySpecial(eight(s[i:])) {
		i += 8
	}
	for i < len(s) && !isSpecial(s[i]) {
		i++
	}
	return i
}

func isSpecial(c byte) bool { return c < ' ' || c == '"' || c == '\\' }

// eight returns eight bytes as a number, which is one load.
func eight(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// anySpecial reports whether one of eight bytes must be escaped. Taking n from a
// byte below 128 sets its high bit if it is below n, and only then borrows from
// the next. Exclusive or makes 0 of what is equal.
func anySpecial(b uint64) bool {
	below := (b - ones*' ') | ((b ^ ones*'"') - ones) | ((b ^ ones*'\\') - ones)
	return below&^b&highs != 0
}

func appendEscaped(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
