package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/balerhq/baler/retry"
)

// classFlag collects the classes that --class gives to codes of the provider.
type classFlag map[string]retry.Class

// String implements pflag.Value.
func (f *classFlag) String() string { return strings.Join(f.all(), " ") }

// all is what the flag was given, once for each code.
func (f *classFlag) all() (all []string) {
	for _, code := range slices.Sorted(maps.Keys(*f)) {
		all = append(all, code+"="+(*f)[code].String())
	}
	return all
}

// Set implements pflag.Value.
func (f *classFlag) Set(text string) error {
	at := strings.LastIndexByte(text, '=')
	if at < 1 {
		return errors.New("must be CODE=CLASS, such as model_overloaded=retryable")
	}
	code, name := text[:at], text[at+1:]
	var class retry.Class
	if err := class.UnmarshalText([]byte(name)); err != nil || class == 0 || class == retry.Ambiguous {
		return fmt.Errorf("the class of %q is %q: must be retryable, permanent or blocked", code, name)
	}
	if before, given := (*f)[code]; given && before != class {
		return fmt.Errorf("%q is both %s and %s", code, before, class)
	}
	if *f == nil {
		*f = make(classFlag)
	}
	(*f)[code] = class
	return nil
}

// Type implements pflag.Value.
func (f *classFlag) Type() string { return "code=class" }
