package durable

import (
	"cmp"
	"context"
	"iter"
	"log/slog"
	"math"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/llm"
)

// config is what the engine needs of a job, whatever its items are.
type config struct {
	name            string
	settings        map[string]string
	labels          map[string]string
	runPriority     int
	own             []*ownRoute // one or more
	services        []*service  // that these buy from
	prices          pricing
	tenants         bool          // items have tenants
	escalation      time.Duration // the largest margin of the routes that have one; 0: none has
	choose          router.Strategy[Waiting]
	failover        Failover
	guard           retry.GuardConfig
	canary          Canary
	formats         []llm.Codec
	batch           accumulator.Config
	maxTokens       int64 // in a batch
	pack            intent.Pack
	primeCache      bool
	maxEnqueued     int64 // tokens, on the route that takes the most
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
	queue           line
	onlyRouteModels bool
	judge           *judge
	reasks          int
	anyFile         bool
	fileUpload      FileUpload
	retryTruncated  int // the highest limit of tokens; 0: a cut answer is not asked for again
	timeLimit       time.Duration
	readAll         bool
	fresh           bool
	appends         bool
	onRejects       func(iter.Seq2[Reject, error]) error
	keepRemote      time.Duration
	keepRaw         bool
	store           *state.Dir
	rooms           *rooms
	dir             rundir.Dir
	output          Output
	callbacks       *callbacks
	log             *slog.Logger
}

func (j *Job[T]) config() config {
	own, services := j.ownRoutes()
	settings, failover := settingsOf(j.Settings, j.Answer), j.Failover
	if j.EveryRoute {
		settings, failover = withRoutes(settings, own), FailoverNever
	}
	return config{
		escalation: escalation(own), prices: j.pricing(), tenants: j.Tenant != nil,
		name: j.Name, settings: settings, labels: j.Labels, runPriority: j.RunPriority,
		own: own, services: services, choose: j.Choose, failover: failover, guard: j.Guard, canary: j.Canary, formats: j.Formats, onlyRouteModels: j.OnlyRouteModels, batch: j.Batch.config(), maxTokens: j.Batch.MaxTokens, pack: j.Pack.pack(), primeCache: j.PrimeCache, creates: createLimit(j.Creates), polls: pollLimit(j.Polls, j.PollsAtOnce),
		transfers:   cmp.Or(j.Transfers, DefaultTransfers),
		maxInFlight: cmp.Or(j.MaxInFlight, DefaultMaxInFlight),
		maxAttempts: cmp.Or(j.MaxAttempts, DefaultMaxAttempts),
		poll:        cmp.Or(j.Poll, DefaultPoll), grace: cmp.Or(j.Grace, DefaultGrace),
		ambiguousCreate: j.AmbiguousCreate, exclusive: j.ExclusiveWorkspace,
		cache: cmp.Or(j.Cache, DefaultCache), samples: j.Samples,
		queue: j.line(),
		judge: newJudge(j.Answer, j.Check), reasks: max(cmp.Or(j.Reasks, DefaultReasks), 0), retryTruncated: min(j.RetryTruncated, math.MaxInt32),
		anyFile: j.AnyFile, fileUpload: j.FileUpload,
		timeLimit: j.TimeLimit, readAll: j.ReadAll, fresh: j.Fresh, appends: j.Append, onRejects: j.Rejects, keepRemote: j.KeepRemote, keepRaw: j.KeepRaw,
		output:    outputOf(j.Output),
		callbacks: &callbacks{job: j.Name, onProgress: j.Progress, onNotice: j.Notify, onEvent: j.Observe},
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
	c.rooms = newRooms() // until it is to buy
}

// keepDelivered is how long results stay at the provider after their delivery,
// by default, in a run whose source has not ended.
const keepDelivered = 7 * 24 * time.Hour
