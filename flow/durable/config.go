package durable

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/sink/llm"
)

// config is what the engine needs of a job, whatever its items are.
type config struct {
	name            string
	settings        map[string]string
	own             []*ownRoute // one or more
	services        []*service  // that these buy from
	choose          router.Strategy[Waiting]
	failover        Failover
	formats         []llm.Codec
	batch           accumulator.Config
	creates         ratelimit.Config
	polls           ratelimit.Config
	transfers       int
	maxInFlight     int
	maxAttempts     int
	poll, grace     time.Duration
	ambiguousCreate AmbiguousCreate
	exclusive       bool
	cache           time.Duration
	samples         bool
	check           func(key string, reply llm.Reply) error
	reasks          int
	timeLimit       time.Duration
	readAll         bool
	fresh           bool
	keepRemote      time.Duration
	store           *state.Dir
	dir             rundir.Dir
	output          Output
	callbacks       *callbacks
	log             *slog.Logger
}

func (j *Job[T]) config() config {
	own, services := j.ownRoutes()
	return config{
		name: j.Name, settings: j.Settings,
		own: own, services: services, choose: j.Choose, failover: j.Failover, formats: j.Formats, batch: j.Batch.config(), creates: createLimit(j.Creates), polls: pollLimit(j.Polls, j.PollsAtOnce),
		transfers:   cmp.Or(j.Transfers, DefaultTransfers),
		maxInFlight: cmp.Or(j.MaxInFlight, DefaultMaxInFlight),
		maxAttempts: cmp.Or(j.MaxAttempts, DefaultMaxAttempts),
		poll:        cmp.Or(j.Poll, DefaultPoll), grace: cmp.Or(j.Grace, DefaultGrace),
		ambiguousCreate: j.AmbiguousCreate, exclusive: j.ExclusiveWorkspace,
		cache: cmp.Or(j.Cache, DefaultCache), samples: j.Samples,
		check: oneAtATime(j.Check), reasks: max(cmp.Or(j.Reasks, DefaultReasks), 0),
		timeLimit: j.TimeLimit, readAll: j.ReadAll, fresh: j.Fresh, keepRemote: j.KeepRemote,
		output:    outputOf(j.Output),
		callbacks: &callbacks{onProgress: j.Progress, onNotice: j.Notify},
		log:       cmp.Or(j.Log, slog.Default()),
	}
}

// first returns the service of whoever is asked unless a route says otherwise.
func (c *config) first() *service { return c.services[0] }

// modelOfAll returns the model of a job without Routes, "" for one with some.
func (c *config) modelOfAll() string {
	if len(c.own) == 1 && c.own[0].name == "" {
		return c.own[0].model
	}
	return ""
}

// outputOf returns the output, or one for results that are only kept.
func outputOf(o Output) Output {
	if o != nil {
		return o
	}
	return Each(func(context.Context, Result) error { return nil })
}

// use sets where the state of the job is.
func (c *config) use(store *state.Dir) {
	c.store, c.dir = store, rundir.New(store.Path(), c.name)
}

// keepDelivered is how long results stay at the provider after their delivery,
// by default, in a run whose source has not ended.
const keepDelivered = 7 * 24 * time.Hour
