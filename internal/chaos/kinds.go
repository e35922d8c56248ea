//go:build unix

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/balerhq/baler/internal/chaos/provider"
)

// chosen reads the flag -faults.
func chosen(flag string) (kinds []provider.Kind, err error) {
	all := provider.Kinds()
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
