package cite

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/balerhq/baler/sink/llm"
)

// ErrNoAnswer says that a text has no JSON object and no array.
var ErrNoAnswer = errors.New("cite: the reply has no answer in JSON: ask for one in the prompt")

// answer is the JSON in a text.
type answer struct {
	llm.Span // in the text
	leaves   []leaf
}

// leaf is a field with a value.
type leaf struct {
	llm.Span // of the value, in the text
	path     []step
	value    any    // a string, a json.Number or a bool
	raw      []byte // as it is written
}

// step leads from a value to one within it: by a name, or by an index.
type step struct {
	name  string
	index int // if the name is ""
	isKey bool
}

// maxTries bounds how often a bracket may turn out to begin no answer.
const maxTries = 100

// read finds the longest object or array in a text.
func read(text string) (*answer, error) {
	var best llm.Span
	for from, tries := 0, 0; tries < maxTries; {
		at := strings.IndexAny(text[from:], "{[")
		if at < 0 {
			break
		}
		from += at
		d := json.NewDecoder(strings.NewReader(text[from:]))
		var skipped json.RawMessage
		if d.Decode(&skipped) != nil {
			from++
			tries++
			continue
		}
		if to := from + len(skipped); to-from > best.To-best.From {
			best = llm.Span{From: from, To: to}
		}
		from += len(skipped)
	}
	if best.To == 0 {
		return nil, ErrNoAnswer
	}
	a := &answer{Span: best}
	w := walker{answer: a, text: text[best.From:best.To]}
	w.decoder = json.NewDecoder(strings.NewReader(w.text))
	w.decoder.UseNumber()
	if err := w.walk(nil); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return a, nil
}

// walker collects the leaves of an answer.
type walker struct {
	*answer
	text    string
	decoder *json.Decoder
}

func (w *walker) walk(path []step) error {
	before := int(w.decoder.InputOffset())
	token, err := w.decoder.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return w.walkObject(path)
	case json.Delim('['):
		return w.walkArray(path)
	case nil, "":
		return nil
	}
	after := int(w.decoder.InputOffset())
	for before < after && strings.IndexByte(" \t\r\n:,", w.text[before]) >= 0 {
		before++
	}
	w.leaves = append(w.leaves, leaf{
		Span: llm.Span{From: w.From + before, To: w.From + after}, path: slices.Clone(path),
		value: token, raw: []byte(w.text[before:after]),
	})
	return nil
}

func (w *walker) walkObject(path []step) error {
	for w.decoder.More() {
		key, err := w.decoder.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		if err := w.walk(append(path, step{name: name, isKey: true})); err != nil {
			return err
		}
	}
	_, err := w.decoder.Token()
	return err
}

func (w *walker) walkArray(path []step) error {
	for i := 0; w.decoder.More(); i++ {
		if err := w.walk(append(path, step{index: i})); err != nil {
			return err
		}
	}
	_, err := w.decoder.Token()
	return err
}

// pathOf writes a path as JSONPath does.
func pathOf(path []step) string {
	var b bytes.Buffer
	b.WriteByte('$')
	for _, s := range path {
		switch {
		case !s.isKey:
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case isWord(s.name):
			b.WriteString("." + s.name)
		default:
			quoted, _ := json.Marshal(s.name)
			b.WriteByte('[')
			b.Write(quoted)
			b.WriteByte(']')
		}
	}
	return b.String()
}

func isWord(name string) bool {
	for i, r := range name {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return name != ""
}
