// Package printable makes foreign text fit for a terminal, a log and an error.
// Such text may hold sequences that move the cursor, hide what was printed, or
// look like a line of another program.
package printable

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ellipsis ends what was cut.
const ellipsis = "..."

// Line returns s in one line of at most limit bytes. White space becomes a
// space. What is not printable is escaped as in a Go string: control
// characters, overrides of the direction, characters without width, invalid
// UTF-8. A line that was cut ends in three dots.
func Line(s string, limit int) string {
	if len(s) <= limit && plain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		piece := escape(s[i:i+size], r)
		if b.Len()+len(piece) > limit {
			return cut(b.String(), limit)
		}
		b.WriteString(piece)
		i += size
	}
	return b.String()
}

// cut shortens what is printable already until the dots fit.
func cut(s string, limit int) string {
	for len(s) > 0 && len(s)+len(ellipsis) > limit {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s + ellipsis
}

// Text is Line for text of several lines, which stay apart. Only the lines are
// bounded, not their number.
func Text(s string, limit int) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Line(strings.TrimSuffix(line, "\r"), limit)
	}
	return strings.Join(lines, "\n")
}

// JSON escapes what is not printable within the strings of valid JSON, and
// leaves the white space between them alone.
func JSON(b []byte) []byte {
	if plain(string(b)) {
		return b
	}
	var out strings.Builder
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		switch {
		case r < utf8.RuneSelf && r != 0x7f || unicode.IsPrint(r):
			out.Write(b[:size])
		case r > 0xffff:
			high, low := surrogates(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
		b = b[size:]
	}
	return []byte(out.String())
}

func surrogates(r rune) (high, low rune) {
	r -= 0x10000
	return 0xd800 + r>>10, 0xdc00 + r&0x3ff
}

// plain reports whether s is printable ASCII, as nearly all text is.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func escape(raw string, r rune) string {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Sprintf(`\x%02x`, raw[0])
	case unicode.IsPrint(r):
		return raw
	case unicode.IsSpace(r):
		return " "
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}
