package wire

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/internal/printable"
	"github.com/balerhq/baler/sink/llm"
)

// maxName bounds what is quoted of the name of a member, in bytes.
const maxName = 64

// Confirm compares a body with what its chat is encoded to, which it may bring
// into another form. The error is an
// llm.UnknownMemberError with the first member that did not come back.
func Confirm(body, encoded json.RawMessage) error {
	if bytes.Equal(body, encoded) {
		return nil
	}
	want, err := canonical(body, true)
	if err != nil {
		return err
	}
	got := jsontext.Value(encoded) // large, and nobody else's
	if err := canonicalize(&got, true); err != nil {
		return err
	}
	if bytes.Equal(want, got) {
		return nil
	}
	return &llm.UnknownMemberError{Member: difference("", want, got)}
}

// difference is the path of the first member that two values do not share. The
// values are canonical and not the same.
func difference(path string, a, b jsontext.Value) string {
	switch {
	case a.Kind() == '{' && b.Kind() == '{':
		return differenceOfObjects(path, Members(a), Members(b))
	case a.Kind() == '[' && b.Kind() == '[':
		return differenceOfLists(path, List(a), List(b))
	}
	return path
}

func differenceOfObjects(path string, a, b Object) string {
	names := slices.Sorted(maps.Keys(a))
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if a[name] == nil {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if bytes.Equal(a[name], b[name]) {
			continue
		}
		at := printable.Line(name, maxName)
		if path != "" {
			at = path + "." + at
		}
		return difference(at, a[name], b[name])
	}
	return path
}

func differenceOfLists(path string, a, b []jsontext.Value) string {
	for i := range max(len(a), len(b)) {
		at := path + "[" + strconv.Itoa(i) + "]"
		if i >= len(a) || i >= len(b) {
			return at
		}
		if !bytes.Equal(a[i], b[i]) {
			return difference(at, a[i], b[i])
		}
	}
	return path
}
