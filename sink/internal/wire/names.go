package wire

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/balerhq/baler/sink/llm"
)

// Names are the options that a provider takes: the name of each in a chat, and
// its path in a body. Providers that mean the same have the same name in a
// chat, which is that of OpenAI's chat completions if it has one.
type Names map[string]string

// Same returns names that are the same in a chat and in a body.
func Same(names ...string) Names {
	n := make(Names, len(names))
	for _, name := range names {
		n[name] = name
	}
	return n
}

// And returns the names with others.
func (n Names) And(others Names) Names {
	all := maps.Clone(n)
	maps.Copy(all, others)
	return all
}

// Write sets options in a body. The error is an llm.RefusedOptionError that
// names the option that does not fit.
func (n Names) Write(f Fields, options llm.Options) error {
	if len(options) == 0 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(options)) {
		path, isKnown := n[name]
		if !isKnown {
			return &llm.RefusedOptionError{Option: name, Reason: "is not known here; leave it out, or choose another endpoint or provider"}
		}
		if !f.Set(path, options[name]) {
			return &llm.RefusedOptionError{Option: name, Reason: fmt.Sprintf("says again what %q says; leave one of them out", path)}
		}
	}
	return nil
}

// Read returns the options that a body has, nil if there are none.
func (n Names) Read(o Object) llm.Options {
	var options llm.Options
	nested := map[string]Object{} // each is read once
	for name, path := range n {
		member, rest, isNested := strings.Cut(path, ".")
		value := o[member]
		if isNested && value != nil {
			if nested[member] == nil {
				nested[member] = Members(value)
			}
			value = nested[member].At(rest)
		}
		if value == nil {
			continue
		}
		if options == nil {
			options = llm.Options{}
		}
		options[name] = []byte(value)
	}
	return options
}

// Without removes an option, and returns nil if there is no other.
func Without(options llm.Options, name string) llm.Options {
	delete(options, name)
	if len(options) == 0 {
		return nil
	}
	return options
}
