package catalog

import (
	"slices"
	"strings"
)

// OfModel returns the providers with a client whose Models the name of a model
// begins like. A model may be tuned, as in "ft:gpt-...", or have Gemini's
// "models/" before its name.
func OfModel(model string) (providers []Provider) {
	name := strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(model), "ft:"), "models/")
	for i := range table {
		begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		if table[i].HasClient() && slices.ContainsFunc(table[i].Models, begins) {
			providers = append(providers, table[i])
		}
	}
	return providers
}
