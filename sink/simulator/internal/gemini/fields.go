package gemini

import (
	"strings"

	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// members are those that an object may have, and where the values go. One that
// goes nowhere is not looked at.
type members map[string]*[]byte

// with returns the members with others that are not looked at.
func (m members) with(names ...string) members {
	for _, name := range names {
		m[name] = nil
	}
	return m
}

// A reader reads objects strictly: a member that the API does not have is an
// error. Names may be in snake case.
type reader struct{ err *apiError } // the first

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = invalid(format, args...)
	}
}

// failure is the error, nil if there is none.
func (r *reader) failure() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// object sets the members of an object. Where it stands is for the error.
func (r *reader) object(at string, object []byte, known members) {
	place := ""
	if at != "" {
		place = " at '" + at + "'"
	}
	valid := scan.Members(object, func(key, value []byte) {
		to, isKnown := known[camel(string(key))]
		if !isKnown {
			r.fail("Invalid JSON payload received. Unknown name \"%s\"%s: Cannot find field.", key, place)
		} else if to != nil {
			*to = value
		}
	})
	if !valid {
		r.fail("Invalid value%s: it is no JSON object.", place)
	}
}

// camel is a name in camel case.
func camel(name string) string {
	if strings.IndexByte(name, '_') < 0 {
		return name
	}
	words := strings.Split(name, "_")
	for i, word := range words[1:] {
		if word != "" {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

func unquote(raw []byte) string {
	s, _ := scan.Unquote(raw)
	return s
}
