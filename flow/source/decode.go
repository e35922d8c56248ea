package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// asV1 lets encoding/json/v2 decode as encoding/json does, in a third of its
// time.
var asV1 = jsonv2.JoinOptions(jsonv1.DefaultOptionsV1(), jsonv2.WithUnmarshalers(
	jsonv2.UnmarshalFunc(func(text []byte, n *json.Number) error { return json.Unmarshal(text, n) }),
))

// decode makes an item of a row. What the faster reader refuses is read by
// encoding/json, whose errors users know.
func decode[T any](r Row) (T, error) {
	var fast, v T
	if jsonv2.Unmarshal(r.JSON, &fast, asV1) == nil {
		return fast, nil
	}
	err := explainJSON(json.Unmarshal(r.JSON, &v))
	return v, err
}

// own makes a row the caller's.
func own(r Row) (Row, error) {
	r.JSON = bytes.Clone(bytes.TrimLeft(r.JSON, blank))
	return r, nil
}

// syntaxOnly leaves out what jsonlReader.check has looked for.
var syntaxOnly = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// ownValid is own for rows that nobody has written but the user.
func ownValid(r Row) (Row, error) {
	if !jsontext.Value(r.JSON).IsValid(syntaxOnly) {
		return r, explainJSON(json.Unmarshal(r.JSON, new(json.RawMessage)))
	}
	return own(r)
}

func explainJSON(err error) error {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return err
	}
	advice := ""
	switch said := syntax.Error(); {
	case strings.HasPrefix(said, "unexpected end"):
		advice = `: an object must be on one line, as "jq -c ." writes it`
	case strings.HasPrefix(said, "invalid character '{' after top-level"):
		advice = ": put each object on a line of its own"
	}
	return fmt.Errorf("column %d: not valid JSON: %w%s", syntax.Offset, err, advice)
}

// check refuses what encoding/json would silently mend, and what is not an
// object. Whether it is valid JSON otherwise shows when it is decoded.
func (j *jsonlReader) check(line []byte) error {
	if !utf8.Valid(line) {
		return fmt.Errorf("column %d: not valid UTF-8: save the file as UTF-8", invalidColumn(line))
	}
	if column := loneSurrogate(line); column > 0 {
		return fmt.Errorf(`column %d: a \u escape that is half of a character`, column)
	}
	switch bytes.TrimLeft(line, blank)[0] {
	case '[':
		return errors.New(`not a JSON object but a list: put each element on a line of its own, as "jq -c '.[]'" does`)
	case '{':
		if name, column := j.seen.find(line); column > 0 {
			return fmt.Errorf("column %d: the member %.80q comes twice in one object: which of them counts? Leave one out", column, name)
		}
		return nil
	}
	err := json.Unmarshal(line, new(json.RawMessage))
	switch {
	case err == nil:
		return errors.New(`not a JSON object: each line must be like {"id": "1", "text": "..."}`)
	case j.at.Line == 1:
		return fmt.Errorf("%w; a CSV file must have a name that ends in .csv, .tsv or .tab", explainJSON(err))
	}
	return explainJSON(err)
}

func invalidColumn(line []byte) int {
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRune(line[i:])
		if r == utf8.RuneError && size <= 1 {
			return i + 1
		}
		i += size
	}
	return len(line)
}

// loneSurrogate returns the column of an escape that is one half of a surrogate
// pair without the other, or 0.
func loneSurrogate(line []byte) int {
	for at := 0; at < len(line); {
		n := bytes.IndexByte(line[at:], '\\')
		if n < 0 {
			return 0
		}
		at += n
		switch unit := escaped(line[at:]); {
		case !utf16.IsSurrogate(unit):
			at += 2
		case utf16.DecodeRune(unit, escaped(line[at+6:])) == utf8.RuneError:
			return at + 1
		default:
			at += 12
		}
	}
	return 0
}

// escaped is the UTF-16 unit of the \u escape at the start of b, or -1.
func escaped(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	unit, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(unit)
}
