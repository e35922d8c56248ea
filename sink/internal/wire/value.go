package wire

import (
	"errors"
	"math"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Object is a JSON object that was read.
type Object map[string]jsontext.Value

// tolerant is for replies: what was paid for is read if it can be. A request
// was checked before its members are read.
var tolerant = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// errNoObject is why a body cannot be parsed at all.
var errNoObject = errors.New("the body is no JSON object")

// ReadBody reads a body. Its members are in canonical form, but for numbers,
// which stay as they are written.
func ReadBody(body []byte) (Object, error) {
	form, err := canonical(body, false)
	if err != nil {
		return nil, err
	}
	if form.Kind() != '{' {
		return nil, errNoObject
	}
	return Members(form), nil
}

// Members returns the members of an object, and none of anything else.
func Members(v jsontext.Value) Object {
	var members Object
	if v.Kind() != '{' || jsonv2.Unmarshal(v, &members, tolerant) != nil {
		return nil
	}
	return members
}

// At returns the member at a path such as "text.verbosity", nil if there is
// none.
func (o Object) At(path string) jsontext.Value {
	name, rest, isNested := strings.Cut(path, ".")
	if !isNested {
		return o[name]
	}
	return Members(o[name]).At(rest)
}

// Text returns the string at a path, "" if there is none.
func (o Object) Text(path string) string { return Text(o.At(path)) }

// Text returns a string, and "" of anything else.
func Text(v jsontext.Value) string {
	var s string
	if v.Kind() != '"' || jsonv2.Unmarshal(v, &s, tolerant) != nil {
		return ""
	}
	return s
}

// List returns the elements of an array, and none of anything else.
func List(v jsontext.Value) []jsontext.Value {
	var list []jsontext.Value
	if v.Kind() != '[' || jsonv2.Unmarshal(v, &list, tolerant) != nil {
		return nil
	}
	return list
}

// IsSet reports whether a member is there and not null.
func IsSet(v jsontext.Value) bool { return len(v) > 0 && v.Kind() != 'n' }

// Integer returns a whole number, and 0 of anything else.
func Integer(v jsontext.Value) int {
	if n, err := strconv.Atoi(string(v)); err == nil {
		return n
	}
	f := Number(v)
	if f == nil || *f != math.Trunc(*f) || math.Abs(*f) >= 1<<53 {
		return 0
	}
	return int(*f)
}

// Number returns a number, and nil of anything else.
func Number(v jsontext.Value) *float64 {
	var f float64
	if v.Kind() != '0' || jsonv2.Unmarshal(v, &f) != nil {
		return nil
	}
	return &f
}
