//go:build unix

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/balerhq/baler/internal/chaos/provider"
)

// protocols are all that the flag -provider may name.
var protocols = []string{provider.OpenAI, provider.Anthropic}

// chosenProtocols reads the flag -provider.
func chosenProtocols(flag string) ([]string, error) {
	switch {
	case flag == "all":
		return protocols, nil
	case !slices.Contains(protocols, flag):
		return nil, fmt.Errorf("%q is none of %v, and not all", flag, protocols)
	}
	return []string{flag}, nil
}

// chosen reads the flag -faults.
func chosen(flag string) (kinds []provider.Kind, err error) {
	all := provider.Kinds(provider.OpenAI)
	for _, kind := range provider.Kinds(provider.Anthropic) {
		if !slices.Contains(all, kind) {
			all = append(all, kind)
		}
	}
	for name := range strings.SplitSeq(flag, ",") {
		kind := provider.Kind(strings.TrimPrefix(name, "-"))
		switch {
		case name == "none":
		case name == "all":
			kinds = slices.Clone(all)
		case !slices.Contains(all, kind):
			return nil, fmt.Errorf("%q is none of %v", kind, all)
		case strings.HasPrefix(name, "-"):
			kinds = slices.DeleteFunc(kinds, func(k provider.Kind) bool { return k == kind })
		case !slices.Contains(kinds, kind):
			kinds = append(kinds, kind)
		}
	}
	return kinds, nil
}

// of are the kinds that a provider of the protocol may have.
func of(protocol string, kinds []provider.Kind) []provider.Kind {
	there := provider.Kinds(protocol)
	return slices.DeleteFunc(slices.Clone(kinds), func(k provider.Kind) bool { return !slices.Contains(there, k) })
}
