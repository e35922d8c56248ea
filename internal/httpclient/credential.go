package httpclient

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// credential is looked for as it is, and as JSON, URLs and HTML write it, once
// or in strings within strings: a byte that is no letter and no digit may be
// escaped in any of these ways.
type credential struct {
	key string
	run string // letters and digits of it, which are never escaped: it is found by them
	at  int    // where run is in key
}

const (
	longestRun    = 32 // which is what bytes.Index finds fastest
	longestEscape = 9  // of a byte: \\\\u002f
)

func newCredential(key string) credential {
	c := credential{key: key}
	for at := 0; at < len(key); {
		end := at + 1
		for alphanumeric(key[at]) && end < len(key) && alphanumeric(key[end]) {
			end++
		}
		if end-at > len(c.run) {
			c.run, c.at = key[at:end], at
		}
		at = end
	}
	c.run = c.run[:min(len(c.run), longestRun)]
	return c
}

func alphanumeric(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

// longest is how long an escaped credential can be.
func (c *credential) longest() int { return longestEscape * len(c.key) }

// absent reports that b holds neither the credential nor, at its end, the
// beginning of it.
func (c *credential) absent(b []byte) bool {
	return !bytes.Contains(b, []byte(c.run)) && c.beginning(b) == len(b)
}

// hide returns b without the credential as far as that is certain, and the
// rest, which may be its beginning. With no more to come there is none.
func (c *credential) hide(b []byte, last bool) (out, rest []byte) {
	for {
		start, end, found := c.find(b)
		if !found {
			break
		}
		out = append(append(out, b[:start]...), mask(end-start)...)
		b = b[end:]
	}
	n := len(b)
	if !last {
		n = c.beginning(b)
	}
	return append(out, b[:n]...), bytes.Clone(b[n:])
}

// mask stands for n bytes in n bytes: who counts what it reads of a file, to
// read on there, counts right.
func mask(n int) string {
	const begin, end = "[redacted", "]"
	if n < len(begin+end) {
		return strings.Repeat(".", n)
	}
	return begin + strings.Repeat(".", n-len(begin+end)) + end
}

// find returns where the credential stands first.
func (c *credential) find(b []byte) (start, end int, found bool) {
	for from := 0; ; {
		n := bytes.Index(b[from:], []byte(c.run))
		if n < 0 {
			return 0, 0, false
		}
		n += from
		for start := max(n-longestEscape*c.at, 0); start <= n-c.at; start++ {
			if end, fit := match(b[start:], c.key); fit == yes && start+end > n {
				return start, start + end, true
			}
		}
		from = n + 1
	}
}

// beginning returns where a credential may begin that b cuts off.
func (c *credential) beginning(b []byte) int {
	for start := max(len(b)-c.longest(), 0); start < len(b); start++ {
		if alphanumeric(c.key[0]) {
			n := bytes.IndexByte(b[start:], c.key[0])
			if n < 0 {
				break
			}
			start += n
		}
		if _, fit := match(b[start:], c.key); fit == perhaps {
			return start
		}
	}
	return len(b)
}

// fit says whether bytes are what they are compared with.
type fit int

const (
	no      fit = iota
	yes         // they are
	perhaps     // there are too few of them
)

// match compares the beginning of b with the key.
func match(b []byte, key string) (n int, _ fit) {
	for ; key != "" && !mayDiffer(b[n:], key[0]); key = key[1:] {
		switch {
		case n == len(b):
			return 0, perhaps
		case b[n] != key[0]:
			return 0, no
		}
		n++
	}
	if key == "" {
		return n, yes
	}
	return matchForms(b, key, n)
}

// matchForms is match from n on, in all forms. It keeps every place that they
// lead to, as a byte may be the beginning of several.
func matchForms(b []byte, key string, n int) (_ int, best fit) {
	places := []int{n}
	for i := 0; i < len(key) && len(places) > 0; i++ {
		var next []int
		for _, at := range places {
			for _, form := range forms {
				size, fit := form(b[at:], key[i])
				if fit == yes && !slices.Contains(next, at+size) {
					next = append(next, at+size)
				}
				if fit == perhaps {
					best = perhaps
				}
			}
		}
		places = next
	}
	if len(places) > 0 {
		return slices.Min(places), yes
	}
	return 0, best
}

// mayDiffer reports whether the beginning of b may be want in another form.
func mayDiffer(b []byte, want byte) bool {
	return !alphanumeric(want) && len(b) > 0 && (b[0] == '\\' || b[0] == '%' || b[0] == '&')
}

// forms are the ways to write a byte that is no letter and no digit.
var forms = [...]func(b []byte, want byte) (size int, _ fit){
	asItIs,
	func(b []byte, want byte) (int, fit) { return inJSON(b, `\`, want) },
	func(b []byte, want byte) (int, fit) { return inJSON(b, `\\\`, want) },
	func(b []byte, want byte) (int, fit) { return inJSON(b, `\\\\\\\`, want) },
	func(b []byte, want byte) (int, fit) { return inHex(b, `\u`, 4, want) },
	func(b []byte, want byte) (int, fit) { return inHex(b, `\\u`, 4, want) },
	func(b []byte, want byte) (int, fit) { return inHex(b, `\\\\u`, 4, want) },
	func(b []byte, want byte) (int, fit) { return inHex(b, "%", 2, want) },
	func(b []byte, want byte) (int, fit) { return inHex(b, "%25", 2, want) },
	func(b []byte, want byte) (int, fit) { return inHex(b, "%2525", 2, want) },
	inHTML,
}

func asItIs(b []byte, want byte) (size int, _ fit) { return is(b, string(want)) }

// inJSON is the byte after as many backslashes as strings within strings have.
func inJSON(b []byte, before string, want byte) (size int, _ fit) {
	return is(b, before+string(want))
}

func inHex(b []byte, before string, digits int, want byte) (size int, _ fit) {
	return is(b, before+strconv.FormatInt(int64(want)|1<<(4*digits), 16)[1:])
}

func inHTML(b []byte, want byte) (size int, best fit) {
	for _, form := range []string{
		"&#" + strconv.Itoa(int(want)) + ";", "&#x" + strconv.FormatInt(int64(want), 16) + ";", named[want],
	} {
		if size, fit := is(b, form); fit == yes && form != "" {
			return size, yes
		} else if fit == perhaps {
			best = perhaps
		}
	}
	return 0, best
}

var named = map[byte]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '"': "&quot;", '\'': "&apos;"}

// is compares the beginning of b with a form, in capitals or not.
func is(b []byte, form string) (size int, _ fit) {
	given := b[:min(len(form), len(b))]
	switch {
	case !strings.EqualFold(string(given), form[:len(given)]):
		return 0, no
	case len(given) < len(form):
		return 0, perhaps
	}
	return len(form), yes
}
