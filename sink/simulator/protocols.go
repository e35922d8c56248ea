package simulator

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/balerhq/baler/sink/simulator/internal/anthropic"
	"github.com/balerhq/baler/sink/simulator/internal/gemini"
	"github.com/balerhq/baler/sink/simulator/internal/mistral"
	"github.com/balerhq/baler/sink/simulator/internal/openai"
	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// protocols are all that a Simulator speaks, by the names of the providers.
var protocols = map[string]protocol.Protocol{
	"anthropic": anthropic.Protocol{},
	"gemini":    gemini.Protocol{},
	"mistral":   mistral.Protocol{},
	"openai":    openai.Protocol{},
}

// firstProtocol is the one that a zero Config has at the root, and that records
// are of that do not name theirs.
const firstProtocol = "openai"

// Providers returns the names of the providers that a Simulator plays.
func Providers() []string { return slices.Sorted(maps.Keys(protocols)) }

// Route is a kind of request that a Simulator serves.
type Route struct {
	// Provider is the name of the provider.
	Provider string
	// Name is what a [Fault] and the request log call it.
	Name string
	// Kind is what it is for.
	Kind RouteKind

	invalid bool // batches that it creates may fail validation
}

// RouteKind is what a route is for.
type RouteKind string

// The kinds of routes. Others have none.
const (
	RouteUpload   RouteKind = "upload"   // sends the content of a file
	RouteCreate   RouteKind = "create"   // creates batches
	RoutePoll     RouteKind = "poll"     // shows one batch
	RouteList     RouteKind = "list"     // lists batches
	RouteCancel   RouteKind = "cancel"   // cancels a batch
	RouteDownload RouteKind = "download" // sends results
	RouteDelete   RouteKind = "delete"   // deletes a file or a batch
	RouteLive     RouteKind = "live"     // asks the model and waits for the answer
)

// Routes returns the routes of a Simulator with this Config, provider by
// provider.
func (c Config) Routes() []Route { return c.routes(protocols) }

func (c Config) routes(all map[string]protocol.Protocol) (routes []Route) {
	root := cmp.Or(c.Provider, firstProtocol)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fails := !all[name].Info().NeverFails
		for _, r := range all[name].Routes() {
			routes = append(routes, Route{
				Provider: name, Name: routeName(name, root, r.Pattern), Kind: RouteKind(r.Kind),
				invalid: fails && r.Kind == protocol.RouteCreate,
			})
		}
	}
	return routes
}

// checkRecord returns an error if a record is of a protocol that the Simulator
// does not speak.
func (s *Simulator) checkRecord(i protocol.Identity) error {
	if _, known := s.mounts[protocolOf(i)]; !known {
		return fmt.Errorf("simulator: %s is an object of provider %q, which this version does not play", i.ID, i.Protocol)
	}
	return nil
}

// protocolOf is the name of a record's protocol.
func protocolOf(i protocol.Identity) string { return cmp.Or(i.Protocol, firstProtocol) }

// speaker returns the protocol of a record.
func (s *Simulator) speaker(i protocol.Identity) protocol.Protocol {
	return s.mounts[protocolOf(i)].protocol
}
