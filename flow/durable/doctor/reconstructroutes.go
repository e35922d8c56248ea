package doctor

import (
	"context"
	"errors"
	"io/fs"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
)

// knownRoutes are the targets and routes that the rest of a journal and the
// manifests name.
type knownRoutes struct {
	targets map[int]jobdir.Target
	routes  map[int]jobdir.Route
}

func newKnownRoutes() knownRoutes {
	return knownRoutes{make(map[int]jobdir.Target), make(map[int]jobdir.Route)}
}

func (k knownRoutes) note(l jobdir.Line) {
	switch {
	case l.Target != nil:
		k.targets[l.Target.N] = l.Target.Target
	case l.Route != nil:
		k.routes[l.Route.N] = l.Route.Route
	}
}

// reconstructRoutes returns the lines of all targets and routes.
func reconstructRoutes(ctx context.Context, a *jobdir.Dir, index state.Store, known knownRoutes, intents []intent.Intent) (lines []jobdir.Line, err error) {
	source := jobdir.Record[jobdir.SourceState]{Key: a.Keys.Source()}
	if err := jobdir.Load(ctx, index, &source); err != nil {
		return nil, err
	}
	count := 0
	for _, in := range intents {
		count = max(count, in.Route+1)
		switch header, err := a.Header(in.Tag); {
		case err == nil:
			known.routes[header.N] = header.Route
			for _, t := range header.Targets {
				known.targets[t.N] = t.Target
			}
		case !errors.Is(err, fs.ErrNotExist) || !in.Done():
			return nil, err
		}
	}
	for n := range source.Value.Targets {
		t, ok := known.targets[n]
		if !ok {
			return nil, a.Damaged(jobdir.JournalFile, errors.New("it has lost an endpoint and a model that no batch was bought for"))
		}
		lines = append(lines, jobdir.Line{Target: &jobdir.NumberedTarget{N: n, Target: t}})
	}
	for n := range count {
		lines = append(lines, jobdir.Line{Route: &jobdir.NumberedRoute{N: n, Route: known.routes[n]}})
	}
	return lines, nil
}
