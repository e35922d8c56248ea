package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/balerhq/baler/internal/chaos/provider"
)

// off are the faults that are left out by default.
var off = []provider.Kind{
	provider.ListForeign, // the list cannot be read yet
}

// chosen reads the flag -faults.
func chosen(flag string) (kinds []provider.Kind, err error) {
	all := provider.Kinds()
	for name := range strings.SplitSeq(flag, ",") {
		kind := provider.Kind(strings.TrimPrefix(name, "-"))
		switch {
		case name == "none":
		case name == "all":
			kinds = slices.Clone(all)
		case name == "default":
			kinds = slices.DeleteFunc(slices.Clone(all), func(k provider.Kind) bool { return slices.Contains(off, k) })
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
