package intercept

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/live"
)

// JobPrefix begins the names of the jobs that calls belong to. What follows
// names the account.
const JobPrefix = "calls-"

// row is a call on its way to the job.
type row struct {
	hash callHash
	id   uint64
	at   int64 // in seconds since 1970
	call rowCall
}

// rowCall is what a job needs of a call. It has no key.
type rowCall struct {
	request  sink.Request
	priority queue.Priority
	tenant   string
	run      string
	deadline time.Time // when it is asked live, if it has no answer; zero: it is not
}

func (c *call) asRow() rowCall {
	return rowCall{request: sink.Request{Endpoint: c.endpoint, Model: c.model, Body: c.body}, priority: c.priority, tenant: c.tenant, run: c.run}
}

// key is the key of the row.
func (r *row) key() string { return r.hash.String() + "-" + strconv.FormatUint(r.id, 16) }

// parseKey reads what key has written.
func parseKey(key string) (hash callHash, id uint64, err error) {
	text, number, _ := strings.Cut(key, "-")
	if n, err := hex.Decode(hash[:], []byte(text[:min(len(text), 2*len(hash))])); err != nil || n != len(hash) || len(text) > 2*len(hash) {
		return hash, 0, errBadKey
	}
	if id, err = strconv.ParseUint(number, 16, 64); err != nil {
		return hash, 0, errBadKey
	}
	return hash, id, nil
}

var errBadKey = errors.New("intercept: a row has a key that is none of a call's")

// account is an account that pays, with its job.
type account struct {
	name     string // without JobPrefix
	provider string
	client   sink.Provider
	owner    *Interceptor

	connectLive func(live.Config) (*live.Provider, error)

	starting chan struct{}  // of capacity 1: full while the job is begun
	checked  bool           // the key was tried; guarded by starting
	live     *live.Provider // nil as long as no job has needed it; the same

	recorded []*row // as asked, and not taken yet; of the job's goroutine

	mu      sync.Mutex
	queue   []*row // that wait to be recorded
	wake    chan struct{}
	running bool
	ended   time.Time // when the job ended the last time
	err     error     // why
}

// account returns the account of a call. Payers of the same name share one, as
// a job runs once.
func (i *Interceptor) account(c *call) (*account, error) {
	p := c.payer()
	i.mu.Lock()
	defer i.mu.Unlock()
	if a, known := i.payers[p]; known {
		return a, nil
	}
	entry, _ := catalog.Find(c.provider)
	key, cfg := c.key, catalog.Config{
		BaseURL: c.baseURL, Version: c.version, Organization: c.organization, Project: c.project,
		AllowHTTP: i.cfg.AllowHTTP, Transport: i.cfg.Transport, Calls: i.cfg.Calls,
		Retry: retry.Policy{Delay: i.cfg.Poll}, // a short interval of polls wants short retries
	}
	client, err := entry.Connect(key(), cfg)
	if err != nil {
		return nil, &RefusedError{err}
	}
	name := accountName(client, &c.target, c.version)
	a, known := i.accounts[name]
	if !known {
		a = &account{name: name, provider: c.provider, client: client, owner: i, starting: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
		a.connectLive = func(l live.Config) (*live.Provider, error) { return entry.ConnectLive(key(), cfg, l) }
		i.accounts[name] = a
	}
	i.payers[p] = a
	return a, nil
}

// accountName names the account of a client, without its key. The client knows
// the host. Services that share one differ in port and path.
func accountName(client sink.Provider, t *target, version string) string {
	name := strings.ReplaceAll(client.Info().Account, ":", "-")
	if version != "" {
		name += "-" + version
	}
	if isHome(t.provider, t.baseURL) {
		return name
	}
	place := t.baseURL
	if u, err := url.Parse(t.baseURL); err == nil {
		place = cmp.Or(u.Port(), defaultPorts[u.Scheme]) + strings.TrimSuffix(u.Path, "/")
	}
	sum := sha256.Sum256([]byte(place))
	return name + "-" + hex.EncodeToString(sum[:4])
}

var defaultPorts = map[string]string{"https": "443", "http": "80"}

// check refuses a call that would end the job. One that is too large for a
// batch is errNoRow.
func (a *account) check(c *call) error {
	r := sink.Request{Endpoint: c.endpoint, Model: c.model, Body: c.body}
	if err := r.Check(); err != nil {
		return err
	}
	if codec := a.client.Info().Codec; codec != nil {
		if err := codec.Check(r.Endpoint, r.Body); err != nil {
			return err
		}
	}
	limits := a.client.Limits(c.model)
	most := int64(maxBody)
	if limits.Bytes > 0 {
		most = min(most, limits.Bytes-frameBytes)
	}
	if n := int64(len(r.Body)); n > most {
		return errNoRow
	}
	if most := limits.Enqueued.Tokens; most > 0 && int64(len(r.Body))/4 > most {
		return errNoRow
	}
	c.body = r.Body
	return nil
}

const (
	maxBody    = 128 << 20 // of a call that becomes a row, in bytes
	frameBytes = 4 << 10   // of what a row has around its body, at most
)

// restart is how long a job that has ended with an error stays so: callers that
// repeat their calls at once get the same error.
const restart = 5 * time.Second

// ensure begins the job unless it runs. Its caller has entered.
func (a *account) ensure() error {
	select {
	case a.starting <- struct{}{}:
		defer func() { <-a.starting }()
	case <-a.owner.ctx.Done():
		return ErrClosed
	}
	a.mu.Lock()
	running, err, age := a.running, a.err, time.Since(a.ended)
	a.mu.Unlock()
	switch {
	case running:
		return nil
	case a.owner.ctx.Err() != nil:
		return ErrClosed
	case err != nil && age < restart:
		return &StoppedError{JobPrefix + a.name, err}
	}
	err = a.tryKey()
	if err == nil {
		err = a.start()
	}
	switch {
	case err == nil:
		return nil
	case a.owner.ctx.Err() != nil:
		return ErrClosed
	}
	a.note(err)
	return &StoppedError{JobPrefix + a.name, err}
}

// tryKey makes a call that costs nothing, so that a wrong key is told at once
// and not after hours. A provider that is down is no reason not to wait.
func (a *account) tryKey() error {
	if a.checked {
		return nil
	}
	ctx, cancel := context.WithTimeout(a.owner.ctx, checkTimeout)
	defer cancel()
	err := a.client.Check(ctx)
	if class := retry.ClassOf(err); class == retry.Blocked || class == retry.Permanent {
		return err
	}
	a.checked = true
	return nil
}

// checkTimeout bounds how long the first call of an account waits for the check
// of its key.
const checkTimeout = 20 * time.Second

func (a *account) note(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err, a.ended = err, time.Now()
}

// start begins the job of the account. It goes on with the one that was begun
// last, unless that has ended for good: drained, or cancelled.
func (a *account) start() error {
	name, err := a.jobName()
	if err != nil {
		return err
	}
	job := a.job(name)
	if err := a.addLive(&job); err != nil {
		return err
	}
	h, err := durable.Start(a.owner.ctx, job)
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.running = true
	a.mu.Unlock()
	a.owner.jobs.Go(func() {
		_, err := h.Wait(context.Background()) // it ends with the context of Start
		a.stopped(err)
	})
	return nil
}

// jobName returns the name of the first job of the account that has not ended.
func (a *account) jobName() (string, error) {
	for n := 1; ; n++ {
		name := a.nthName(n)
		h, err := a.owner.cfg.Dir.Attach(name)
		if errors.Is(err, durable.ErrNoRun) {
			return name, nil
		} else if err != nil {
			return "", err
		}
		s, err := h.Status()
		if err != nil {
			return "", err
		}
		if !s.Ended() {
			return name, nil
		}
	}
}

// nthName returns the name of the account's nth job.
func (a *account) nthName(n int) string {
	if n == 1 {
		return JobPrefix + a.name
	}
	return JobPrefix + a.name + "-" + strconv.Itoa(n)
}

func (a *account) job(name string) durable.Job[*row] {
	cfg := &a.owner.cfg
	return durable.Job[*row]{
		Name:     name,
		Source:   source.Pull("calls", a.next, nil),
		Key:      (*row).key,
		Request:  func(r *row) (sink.Request, error) { return r.call.request, nil },
		Priority: func(r *row) queue.Priority { return r.call.priority },
		Tenant:   func(r *row) string { return r.call.tenant },
		Meta:     (*row).meta,
		Provider: a.client,
		Batch:    durable.BatchLimits{MaxItems: cfg.BatchSize, MaxWait: cfg.Window},
		Poll:     cfg.Poll,
		Grace:    cfg.Grace,
		// Batches are small, so there may be many. Their callers decide about
		// failures, and answers are kept here.
		MaxInFlight: maxInFlight, Guard: retry.GuardConfig{PauseAbove: 1}, Samples: true, Cache: -1,
		Dir: cfg.Dir, Output: output{a}, Log: a.owner.log,
		Observe: a.owner.observe,
		Notify: func(n durable.Notice) {
			if cfg.Notify != nil {
				cfg.Notify(name, n)
			}
		},
	}
}

// maxInFlight is how many batches of an account may be open.
const maxInFlight = 1000

// meta is what is kept with a row.
func (r *row) meta() any {
	if r.call.run == "" {
		return nil
	}
	return map[string]string{"run": r.call.run}
}

// push gives a row to the job. It reports whether the job runs.
func (a *account) push(r *row) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.running {
		return false
	}
	a.queue = append(a.queue, r)
	a.owner.counts.rows.Add(1)
	a.poke()
	return true
}

func (a *account) poke() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// next returns the next row for the job. Rows are recorded as asked, in groups,
// before the job has them: then the same calls find them after a crash.
func (a *account) next(ctx context.Context) (*row, error) {
	for len(a.recorded) == 0 {
		a.mu.Lock()
		rows := a.queue
		a.queue = nil
		a.mu.Unlock()
		if len(rows) == 0 {
			select {
			case <-a.wake:
				continue
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		recorded, err := a.owner.answers.ask(rows)
		if err != nil {
			return nil, fmt.Errorf("intercept: record calls: %w", err)
		}
		a.recorded = recorded
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	r := a.recorded[0]
	a.recorded[0] = nil
	a.recorded = a.recorded[1:]
	return r, nil
}

// stopped ends what waits for a job that has ended. If it was drained, what it
// has not taken goes to the next one.
func (a *account) stopped(err error) {
	a.mu.Lock()
	a.running, a.err, a.ended = false, err, time.Now()
	a.queue = append(a.recorded, a.queue...)
	a.recorded = nil
	left := len(a.queue)
	if err != nil {
		a.queue = nil
	}
	a.mu.Unlock()
	if a.owner.ctx.Err() != nil {
		return // Close tells them
	}
	if err == nil && left > 0 {
		if err = a.ensure(); err == nil {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.poke()
			return
		}
	}
	if err != nil {
		a.owner.log.Error("the batches of an account have stopped", "job", JobPrefix+a.name, "error", err)
		a.owner.failAll(a, &StoppedError{JobPrefix + a.name, err})
	}
}
