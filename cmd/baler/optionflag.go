package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/balerhq/baler/sink/llm"
)

// optionsFlag are options of a model, by flags of several names.
type optionsFlag struct{ all llm.Options }

// String implements pflag.Value.
func (o *optionsFlag) String() string { return o.text() }

// text is an object of all options, "" if there are none.
func (o *optionsFlag) text() string {
	if len(o.all) == 0 {
		return ""
	}
	b, err := json.Marshal(o.all)
	if err != nil {
		return "" // each is valid
	}
	return string(b)
}

// Set implements pflag.Value. Beside NAME=VALUE it takes what text returns,
// which does not replace what is set.
func (o *optionsFlag) Set(text string) error {
	if strings.HasPrefix(text, "{") {
		var more llm.Options
		if json.Unmarshal([]byte(text), &more) != nil {
			return errors.New("must be NAME=VALUE, or a JSON object of options")
		}
		more = plainOptions(more)
		maps.Copy(more, o.all)
		o.all = more
		return nil
	}
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return errors.New("must be NAME=VALUE, as in top_p=0.9")
	}
	raw, err := optionValue(value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return o.add(name, raw)
}

// Type implements pflag.Value.
func (*optionsFlag) Type() string { return "name=value" }

func (o *optionsFlag) add(name string, value json.RawMessage) error {
	if slices.Contains([]string{"model", "messages", "system", "stream"}, name) {
		return fmt.Errorf("%s is no option of a model", name)
	}
	if o.all == nil {
		o.all = make(llm.Options)
	}
	if name = plainName(name); o.all[name] != nil {
		return fmt.Errorf("%s is given twice", name)
	}
	o.all[name] = value
	return nil
}

// optionValue is what an option is set to: JSON, or else a text. What begins
// like an object, a list or a quoted text must be one.
func optionValue(text string) (json.RawMessage, error) {
	if path, isFile := strings.CutPrefix(text, "@"); isFile {
		var err error
		if text, err = readText(path); err != nil {
			return nil, err
		}
	}
	text = strings.TrimSpace(text)
	switch {
	case json.Valid([]byte(text)) && text != "null":
		return json.RawMessage(text), nil
	case text == "" || text == "null":
		return nil, errors.New("the value is missing")
	case strings.ContainsAny(text[:1], `{["`):
		return nil, errors.New("the value is not JSON")
	}
	return json.Marshal(text)
}

// plainOptions gives options the names that a chat has for them, and leaves out
// those that are null.
func plainOptions(options llm.Options) llm.Options {
	plain := make(llm.Options, len(options))
	for _, name := range slices.Sorted(maps.Keys(options)) {
		if string(options[name]) != "null" {
			plain[plainName(name)] = options[name]
		}
	}
	return plain
}

func plainName(name string) string {
	switch name {
	case "max_completion_tokens", "max_output_tokens":
		return "max_tokens"
	}
	return name
}

// number is a flag of an option that is a number.
func (o *optionsFlag) number(name string) pflag.Value { return &numberOption{o, name} }

type numberOption struct {
	options *optionsFlag
	name    string
}

// String implements pflag.Value.
func (n *numberOption) String() string {
	if n.options == nil {
		return ""
	}
	return string(n.options.all[n.name])
}

// Set implements pflag.Value.
func (n *numberOption) Set(text string) error {
	if n.Type() == "int" {
		if v, err := strconv.Atoi(text); err != nil || v < 1 {
			return errors.New("must be a whole number of at least 1")
		}
	} else if v, err := strconv.ParseFloat(text, 64); err != nil || !(v >= 0) || math.IsInf(v, 0) || !json.Valid([]byte(text)) {
		return errors.New("must be a number that is not negative, such as 0.2")
	}
	return n.options.add(n.name, json.RawMessage(text))
}

// Type implements pflag.Value.
func (n *numberOption) Type() string {
	if n.name == "max_tokens" {
		return "int"
	}
	return "number"
}
