package wire

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/llm"
)

// Barred are members that a provider takes in single calls, if at all, and in
// no batch: the name of each, and which of its values are refused.
type Barred map[string]func(jsontext.Value) bool

// IsTrue reports whether a member is true.
func IsTrue(v jsontext.Value) bool { return v.Kind() == 't' }

// IsZero reports whether a member is the number 0.
func IsZero(v jsontext.Value) bool {
	n := Number(v)
	return n != nil && *n == 0
}

// Check returns an llm.RefusedOptionError that names a member of a body that is
// barred.
func (b Barred) Check(body []byte) error {
	if !b.mayBeIn(body) {
		return nil
	}
	members := Members(jsontext.Value(body))
	return b.check(func(name string) jsontext.Value { return members[name] })
}

// CheckOptions does the same for the options of a chat.
func (b Barred) CheckOptions(options llm.Options) error {
	if len(options) == 0 {
		return nil
	}
	return b.check(func(name string) jsontext.Value { return jsontext.Value(options[name]) })
}

// check names the first of several.
func (b Barred) check(value func(string) jsontext.Value) error {
	first, found := "", false
	for name, isBarred := range b {
		if v := value(name); len(v) > 0 && (!found || name < first) && isBarred(v) {
			first, found = name, true
		}
	}
	if !found {
		return nil
	}
	return &llm.RefusedOptionError{Option: first, Reason: "is refused in batches: leave it out"}
}

// mayBeIn reports whether it is worth to read the members of a body. A name may
// be written with escapes.
func (b Barred) mayBeIn(body []byte) bool {
	if bytes.Contains(body, []byte(`\u`)) {
		return true
	}
	for name := range b {
		if bytes.Contains(body, []byte(name)) {
			return true
		}
	}
	return false
}
