package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"unicode/utf8"
)

// promptError is a value that a prompt cannot show.
type promptError struct{ text string }

func (e *promptError) Error() string { return e.text }

// promptFuncs are those of a prompt. The value that a function works on comes
// last, so that it can be piped. The builtin ones that make a text of a value
// would hide what is wrong with it.
var promptFuncs = template.FuncMap{
	showFunc:      show,
	optionalFunc:  optional,
	conditionFunc: condition,
	getFunc:       index,
	"index":       index,
	"json":        toJSON,
	"fromJSON":    fromJSON,
	"default":     orDefault,
	"join":        join,
	"split":       onText("split", func(sep, text string) any { return split(sep, text) }),
	"contains":    onText("contains", func(part, text string) any { return strings.Contains(text, part) }),
	"hasPrefix":   onText("hasPrefix", func(prefix, text string) any { return strings.HasPrefix(text, prefix) }),
	"hasSuffix":   onText("hasSuffix", func(suffix, text string) any { return strings.HasSuffix(text, suffix) }),
	"replace":     replace,
	"truncate":    truncate,
	"upper":       guarded("upper", func(args ...any) string { return strings.ToUpper(fmt.Sprint(args...)) }),
	"lower":       guarded("lower", func(args ...any) string { return strings.ToLower(fmt.Sprint(args...)) }),
	"trim":        guarded("trim", func(args ...any) string { return strings.TrimSpace(fmt.Sprint(args...)) }),
	"len":         length,
	"eq":          equalsAny,
	"ne":          func(a, b any) (bool, error) { same, err := equalsAny(a, b); return !same, err },
	"lt":          ordered(func(c int) bool { return c < 0 }),
	"le":          ordered(func(c int) bool { return c <= 0 }),
	"gt":          ordered(func(c int) bool { return c > 0 }),
	"ge":          ordered(func(c int) bool { return c >= 0 }),
	"print":       guarded("print", fmt.Sprint),
	"println":     guarded("println", fmt.Sprintln),
	"html":        guarded("html", template.HTMLEscaper),
	"js":          guarded("js", template.JSEscaper),
	"urlquery":    guarded("urlquery", template.URLQueryEscaper),
	"printf": func(format string, args ...any) (string, error) {
		text, err := guarded("printf", func(args ...any) string { return fmt.Sprintf(format, args...) })(args...)
		if err == nil && strings.Contains(text, "%!") {
			err = &promptError{fmt.Sprintf("printf %q does not fit its values: %s", format, text)}
		}
		return text, err
	},
}

// toJSON lets a prompt show a field that is not a text: {{json .items}}.
func toJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// fromJSON reads a text, such as a field of a CSV file, as JSON.
func fromJSON(text any) (v any, err error) {
	s, err := textOf("fromJSON", text)
	if err != nil {
		return nil, err
	}
	if err := decodeInto(&v, []byte(s)); err != nil {
		return nil, &promptError{fmt.Sprintf("fromJSON: %.40q is not JSON", s)}
	}
	return v, nil
}

// guarded is a function that makes a text of values, for values that have one.
func guarded(name string, f func(...any) string) func(...any) (string, error) {
	return func(args ...any) (string, error) {
		for _, arg := range args {
			if _, err := show("a value of "+name, arg); err != nil {
				return "", err
			}
		}
		return f(args...), nil
	}
}

// show returns a value that has a text of its own.
func show(what string, v any) (any, error) {
	switch v.(type) {
	case nil:
		return nil, &promptError{what + " is null or missing, so the prompt would show nothing for it: leave the row out, test it with {{if}}, or write as in {{.name | default \"unknown\"}}"}
	case map[string]any, []any:
		return nil, &promptError{what + " is an object or a list: show it as JSON, as in {{json .items}}"}
	}
	return v, nil
}

// textOf returns the text of a value of a function.
func textOf(name string, v any) (string, error) {
	return guarded(name, fmt.Sprint)(v)
}

// onText is a function of a text, with one argument before it.
func onText(name string, f func(arg, text string) any) func(arg string, v any) (any, error) {
	return func(arg string, v any) (any, error) {
		text, err := textOf(name, v)
		if err != nil {
			return nil, err
		}
		return f(arg, text), nil
	}
}

func replace(from, to string, v any) (string, error) {
	text, err := textOf("replace", v)
	return strings.ReplaceAll(text, from, to), err
}

// truncate cuts a text to a number of characters.
func truncate(n int, v any) (string, error) {
	text, err := textOf("truncate", v)
	switch {
	case err != nil:
		return "", err
	case n < 0:
		return "", &promptError{fmt.Sprintf("truncate to %d characters: must not be negative", n)}
	case utf8.RuneCountInString(text) <= n:
		return text, nil
	}
	return string([]rune(text)[:n]), nil
}

// orDefault is the value, or something else if it is missing, null or an empty
// text.
func orDefault(otherwise, v any) any {
	if v == nil || v == "" {
		return otherwise
	}
	return v
}

func split(sep, text string) []any {
	var all []any
	for part := range strings.SplitSeq(text, sep) {
		all = append(all, part)
	}
	return all
}

// join makes a text of a list. It takes the list first or last.
func join(a, b any) (string, error) {
	list, isList := b.([]any)
	sep, isText := a.(string)
	if first, other := a.([]any); other {
		list, isList = first, true
		sep, isText = b.(string)
	}
	if !isList || !isText {
		return "", &promptError{`join takes a separator and a list, as in {{join ", " .tags}}`}
	}
	texts := make([]string, len(list))
	for i, item := range list {
		var err error
		if texts[i], err = textOf("join", item); err != nil {
			return "", err
		}
	}
	return strings.Join(texts, sep), nil
}

// length is the builtin function, but what is missing has no length.
func length(v any) (int, error) {
	if v == nil {
		return 0, nil
	}
	if r := reflect.ValueOf(v); slices.Contains([]reflect.Kind{reflect.String, reflect.Slice, reflect.Map}, r.Kind()) {
		return r.Len(), nil
	}
	return 0, &promptError{fmt.Sprintf("len: %v has no length", v)}
}

// index is the builtin function for what JSON has, but a key that is missing is
// an error, as it is for {{.key}}.
func index(v any, keys ...any) (any, error) {
	for _, key := range keys {
		in := v
		var found bool
		if v, found = at(v, key); found {
			continue
		}
		list := ""
		if fields, isObject := in.(map[string]any); isObject {
			list = fieldList(fields)
		}
		return nil, &promptError{fmt.Sprintf("there is no %q%s", fmt.Sprint(key), list)}
	}
	return v, nil
}

// at returns a member of an object or an element of a list.
func at(v, key any) (value any, found bool) {
	switch in := v.(type) {
	case map[string]any:
		name, _ := key.(string)
		value, found = in[name]
	case []any:
		n, isInt := key.(int)
		if found = isInt && n >= 0 && n < len(in); found {
			value = in[n]
		}
	}
	return value, found
}

// optional is index for what may be missing: it returns nil then.
func optional(v any, keys ...any) any {
	for _, key := range keys {
		v, _ = at(v, key)
	}
	return v
}

// condition is optional for {{if}} and {{with}}, to which the number 0 is
// empty, as it is in Go.
func condition(v any, keys ...any) any {
	v = optional(v, keys...)
	if n, _ := numberOf(v); isNumber(v) && n == 0 {
		return 0
	}
	return v
}
