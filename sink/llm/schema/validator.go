package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Validator checks answers against a schema. It is safe for concurrent use.
type Validator struct {
	schema *jsonschema.Schema
	names  map[string]bool // of members in the schema; all others are words of an answer
}

// NewValidator reads a JSON Schema of draft 2020-12, or of the one that it
// names. It must contain all that it refers to. Formats are checked, too.
func NewValidator(schema []byte) (*Validator, error) {
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, fmt.Errorf("the schema is not JSON: %w", err)
	}
	const name = "https://schema.invalid/answer.json"
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseLoader(nothing{})
	if err := c.AddResource(name, root); err != nil {
		return nil, fmt.Errorf("the schema cannot be used: %w", err)
	}
	compiled, err := c.Compile(name)
	if err != nil {
		return nil, fmt.Errorf("the schema cannot be used: %w", err)
	}
	names := make(map[string]bool)
	addNames(names, root)
	return &Validator{compiled, names}, nil
}

// addNames collects the names of members that a schema gives.
func addNames(names map[string]bool, schema any) {
	switch schema := schema.(type) {
	case []any:
		for _, inner := range schema {
			addNames(names, inner)
		}
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		for name := range properties {
			names[name] = true
		}
		for _, inner := range schema {
			addNames(names, inner)
		}
	}
}

// nothing loads nothing: neither files nor the network say what an answer has
// to look like.
type nothing struct{}

// Load implements jsonschema.URLLoader.
func (nothing) Load(string) (any, error) {
	return nil, errors.New("is outside of the schema: copy it into $defs")
}

// ViolationsError lists what is wrong with an answer. It quotes none of its
// values, nor names of members that the schema does not have: they are "*".
type ViolationsError struct{ Violations []string }

// Error implements error.
func (e *ViolationsError) Error() string { return strings.Join(e.Violations, "; ") }

// maxViolations bounds what is listed.
const maxViolations = 20

// Value returns the value of an answer in JSON, without a Markdown fence around
// it. A member that is null and may only be absent is left out: for a provider
// that has every member required, null says that it is absent. Numbers stay as
// they are written. The error is a *ViolationsError.
func (v *Validator) Value(answer string) (json.RawMessage, error) {
	text := Unfence(answer)
	value, err := decode(text)
	if err != nil {
		return nil, err
	}
	err = v.schema.Validate(value)
	if err == nil {
		return json.RawMessage(text), nil
	}
	if strings.Contains(text, "null") {
		if nulls := nullsOf(value, err); len(nulls) > 0 {
			removeMembers(value, nulls)
			if err = v.schema.Validate(value); err == nil {
				return without(text, nulls)
			}
		}
	}
	return nil, v.violations(value, err)
}

// decode reads a JSON text. Numbers stay as they are written.
func decode(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, &ViolationsError{[]string{"the answer is not complete JSON"}}
		}
		return nil, &ViolationsError{[]string{fmt.Sprintf("the answer is not JSON: at byte %d", d.InputOffset())}}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &ViolationsError{[]string{"the answer has something after its JSON: it must be JSON alone"}}
	}
	if hasHugeNumber(value) {
		return nil, &ViolationsError{[]string{"the answer has a number with too large an exponent"}}
	}
	return value, nil
}

// maxExponent is how many digits an exponent has at most. A larger number is
// none that anybody means, and its digits would fill the memory.
const maxExponent = 3

func hasHugeNumber(value any) bool {
	switch value := value.(type) {
	case json.Number:
		text := string(value)
		at := strings.IndexAny(text, "eE")
		return at >= 0 && len(strings.TrimLeft(text[at+1:], "+-0")) > maxExponent
	case []any:
		return slices.ContainsFunc(value, hasHugeNumber)
	case map[string]any:
		for _, member := range value {
			if hasHugeNumber(member) {
				return true
			}
		}
	}
	return false
}

// Unfence returns a text without white space around it, and without a Markdown
// fence if one is around all of it.
func Unfence(text string) string {
	text = strings.TrimSpace(text)
	const fence = "```"
	inner, hasFence := strings.CutPrefix(text, fence)
	if !hasFence {
		return text
	}
	inner, hasFence = strings.CutSuffix(inner, fence)
	_, inner, hasLine := strings.Cut(inner, "\n") // the first line may name the language
	if !hasFence || !hasLine || strings.Contains(inner, "\n"+fence) {
		return text
	}
	return strings.TrimSpace(inner)
}

// nullsOf returns the places of members that are null and may not be.
func nullsOf(value any, err error) (places [][]string) {
	for _, leaf := range leaves(err) {
		at := leaf.InstanceLocation
		parent, isObject := valueAt(value, at[:max(len(at)-1, 0)]).(map[string]any)
		if !isObject || len(at) == 0 {
			continue
		}
		member, has := parent[at[len(at)-1]]
		if has && member == nil && !slices.ContainsFunc(places, func(p []string) bool { return slices.Equal(p, at) }) {
			places = append(places, at)
		}
	}
	return places
}

// leaves returns the errors that no others explain.
func leaves(err error) (all []*jsonschema.ValidationError) {
	top, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return nil
	}
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			all = append(all, e)
		}
		for _, cause := range e.Causes {
			walk(cause)
		}
	}
	walk(top)
	return all
}

func valueAt(value any, at []string) any {
	for _, token := range at {
		switch inner := value.(type) {
		case map[string]any:
			value = inner[token]
		case []any:
			i := indexOf(token)
			if i >= len(inner) {
				return nil
			}
			value = inner[i]
		default:
			return nil
		}
	}
	return value
}

func indexOf(token string) (i int) {
	for _, digit := range token {
		if digit < '0' || digit > '9' {
			return 0
		}
		i = i*10 + int(digit-'0')
	}
	return i
}

func removeMembers(value any, places [][]string) {
	for _, at := range places {
		parent, _ := valueAt(value, at[:len(at)-1]).(map[string]any) // nullsOf has looked
		delete(parent, at[len(at)-1])
	}
}

// without returns a JSON text without some members. The others keep their
// order.
func without(text string, places [][]string) (json.RawMessage, error) {
	value, err := parse([]byte(text))
	if err != nil {
		return nil, &ViolationsError{[]string{"the answer has a member twice"}}
	}
	for _, at := range places {
		parent := value
		for _, token := range at[:len(at)-1] {
			switch inner := parent.(type) {
			case *object:
				parent = inner.get(token)
			case []any:
				parent = inner[indexOf(token)]
			}
		}
		if o, isObject := parent.(*object); isObject {
			o.remove(at[len(at)-1])
		}
	}
	return json.RawMessage(appendJSON(nil, value)), nil
}

// violations lists what is wrong, in the order of the places.
func (v *Validator) violations(value any, err error) error {
	all := make([]string, 0, 1)
	for _, leaf := range leaves(err) {
		text := reason(leaf)
		if at := leaf.InstanceLocation; len(at) > 0 {
			text = "at " + v.pointer(value, at) + ": " + text
		}
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	if len(all) == 0 {
		all = append(all, "the answer does not meet the schema")
	}
	slices.Sort(all)
	if more := len(all) - maxViolations; more > 0 {
		all = append(all[:maxViolations], fmt.Sprintf("and %d more", more))
	}
	return &ViolationsError{all}
}

func (v *Validator) pointer(value any, at []string) string {
	var p jsontext.Pointer
	for i, token := range at {
		if _, isList := valueAt(value, at[:i]).([]any); !isList && !v.names[token] {
			token = "*"
		}
		p = p.AppendToken(token)
	}
	return string(p)
}

func decimal(n *big.Rat) string {
	f, _ := n.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// reason says what is wrong, without the value.
func reason(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Pattern:
		return fmt.Sprintf("does not match the pattern %q", k.Want)
	case *kind.Format:
		return "is not a valid " + k.Want
	case *kind.ContentEncoding:
		return "is not encoded in " + k.Want
	case *kind.Minimum:
		return "must be at least " + decimal(k.Want)
	case *kind.Maximum:
		return "must be at most " + decimal(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be more than " + decimal(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + decimal(k.Want)
	case *kind.MultipleOf:
		return "must be a multiple of " + decimal(k.Want)
	case *kind.AdditionalProperties:
		return fmt.Sprintf("%d additional properties not allowed", len(k.Properties))
	case *kind.PropertyNames:
		return "has a member whose name the schema does not allow"
	case *kind.Not:
		return "meets a schema that it must not"
	case *kind.FalseSchema:
		return "must not be there"
	}
	return e.ErrorKind.LocalizedString(message.NewPrinter(language.English))
}
