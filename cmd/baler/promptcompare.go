package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
)

// The builtin comparisons refuse a number of JSON beside one of Go. These take
// a text that is a number, too, as fields of CSV files are texts.

// equalsAny reports whether a value equals one of others.
func equalsAny(v any, others ...any) (bool, error) {
	if len(others) == 0 {
		return false, &promptError{`eq takes two values, as in {{if eq .lang "de"}}`}
	}
	for _, other := range others {
		same, err := equals(v, other)
		if same || err != nil {
			return same, err
		}
	}
	return false, nil
}

func equals(a, b any) (bool, error) {
	if a == nil || b == nil {
		return a == nil && b == nil, nil
	}
	if isNumber(a) || isNumber(b) {
		c, err := compareNumbers(a, b)
		return c == 0 && err == nil, nil
	}
	x, err := textOf("eq", a)
	if err != nil {
		return false, err
	}
	y, err := textOf("eq", b)
	return x == y, err
}

// ordered is a function that compares two numbers or two texts. What is missing
// is neither greater nor smaller.
func ordered(is func(int) bool) func(a, b any) (bool, error) {
	return func(a, b any) (bool, error) {
		if a == nil || b == nil {
			return false, nil
		}
		if isNumber(a) || isNumber(b) {
			c, err := compareNumbers(a, b)
			return err == nil && is(c), err
		}
		x, isText := a.(string)
		y, both := b.(string)
		if !isText || !both {
			return false, &promptError{fmt.Sprintf("%v and %v cannot be compared: must be numbers or texts", a, b)}
		}
		return is(cmp.Compare(x, y)), nil
	}
}

func compareNumbers(a, b any) (int, error) {
	if x, y, ok := integers(a, b); ok {
		return cmp.Compare(x, y), nil
	}
	x, ok := numberOf(a)
	y, both := numberOf(b)
	if !ok || !both {
		return 0, &promptError{fmt.Sprintf("%.40q and %.40q cannot be compared: must be numbers", fmt.Sprint(a), fmt.Sprint(b))}
	}
	return cmp.Compare(x, y), nil
}

// integers are compared as such, so that 2^53+1 is not 2^53.
func integers(a, b any) (x, y int64, ok bool) {
	x, errX := strconv.ParseInt(fmt.Sprint(a), 10, 64)
	y, errY := strconv.ParseInt(fmt.Sprint(b), 10, 64)
	return x, y, errX == nil && errY == nil
}

// isNumber reports whether a value is a number, not a text that could be one.
func isNumber(v any) bool {
	_, isText := v.(string)
	_, is := numberOf(v)
	return is && !isText
}

// numberOf is the number that a value is, or that its text says.
func numberOf(v any) (n float64, ok bool) {
	switch v.(type) {
	case json.Number, string, int, int64, float64:
		n, err := strconv.ParseFloat(fmt.Sprint(v), 64)
		return n, err == nil
	}
	return 0, false
}
