package durable

import (
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/ratelimit"
)

// newEngine puts the parts of an engine together. The state on disk is read
// later, by recover.
func newEngine(c config) (*engine, error) {
	limiter, err := ratelimit.NewLimiter(c.creates)
	if err != nil {
		return nil, fmt.Errorf("durable: Job.Creates: %w", err)
	}
	polls, err := newPoller(c.polls)
	if err != nil {
		return nil, fmt.Errorf("durable: Job.Polls: %w", err)
	}
	c.observeServices()
	e := &engine{
		config: c, gate: newGate(), openBatches: newOpenBatches(), changed: make(chan struct{}, 1),
		pollStates: new(pollStates), resting: newRestingDrivers(), anomalies: new(anomalies), failures: new(failures), cache: new(cache),
		progress: &progress{notify: c.callbacks.reportProgress},
	}
	job, dir := &e.config, &e.Dir
	e.clock = &clock{config: job, gate: e.gate}
	e.notices = &notices{config: job}
	wake := make(chan struct{}, 1)
	if e.guard, err = newGuard(job, e.gate, e.notices, wake); err != nil {
		return nil, err
	}
	e.calls = &calls{config: job, gate: e.gate, notices: e.notices, polls: polls, resting: e.resting, transferSlots: make(chan struct{}, c.transfers)}
	e.batches = &batches{config: job, Dir: dir, batchOwners: purchase.NewOwners(), throttles: newThrottles(e.clock.now), progress: e.progress, deadlines: newDeadlines(c.own)}
	e.ledger = newLedger()
	e.ledger.config, e.ledger.Dir, e.ledger.gate, e.ledger.notices = job, dir, e.gate, e.notices
	e.ledger.progress, e.ledger.resting, e.ledger.batches = e.progress, e.resting, e.batches
	e.batches.ledger = e.ledger
	e.batches.stored = &stored{config: job, Dir: dir, clock: e.clock, batches: e.batches, storing: make(chan struct{}, 1)}
	e.resting.moved = func() {
		e.ledger.wake()
		e.changed.signal()
	}
	e.openBatches.batches = e.batches
	e.accounts = &accounts{config: job, clock: e.clock, notices: e.notices, calls: e.calls, batches: e.batches}
	e.refusals = &refusals{
		config: job, Dir: dir, gate: e.gate, clock: e.clock, notices: e.notices, calls: e.calls, batches: e.batches,
	}
	e.canary = &canaryWatch{config: job, batches: e.batches, guard: e.guard, progress: e.progress, changed: e.changed}
	e.primer = &primer{config: job, Dir: dir, batches: e.batches, cache: e.cache}
	e.cleaner = &cleaner{
		config: job, Dir: dir, gate: e.gate, openBatches: e.openBatches, clock: e.clock, notices: e.notices, progress: e.progress,
		batches: e.batches, accounts: e.accounts, anomalies: e.anomalies,
	}
	e.finder = &finder{
		config: job, clock: e.clock, notices: e.notices, calls: e.calls, batches: e.batches, accounts: e.accounts, pollStates: e.pollStates,
	}
	e.blockage = &blockage{config: job, batches: e.batches, gate: e.gate, openBatches: e.openBatches, notices: e.notices}
	e.buyer = &buyer{
		config: job, gate: e.gate, clock: e.clock, notices: e.notices, calls: e.calls, batches: e.batches,
		refusals: e.refusals, blockage: e.blockage, cleaner: e.cleaner, finder: e.finder, pollStates: e.pollStates, guard: e.guard,
		limiter: limiter,
	}
	raw := &rawKeeper{config: job, Dir: dir}
	e.watcher = &watcher{
		config: job, openBatches: e.openBatches, clock: e.clock, notices: e.notices, calls: e.calls, batches: e.batches,
		accounts: e.accounts, refusals: e.refusals, finder: e.finder, pollStates: e.pollStates, slots: &e.buyer.slots, raw: raw,
	}
	e.fetcher = &fetcher{
		config: job, Dir: dir, gate: e.gate, openBatches: e.openBatches, notices: e.notices, calls: e.calls,
		batches: e.batches, accounts: e.accounts, resting: e.resting, anomalies: e.anomalies, raw: raw,
	}
	e.settler = &settler{
		config: job, Dir: dir, gate: e.gate, clock: e.clock, progress: e.progress, batches: e.batches, cleaner: e.cleaner,
		blockage: e.blockage, failures: e.failures, guard: e.guard, ledger: e.ledger, canary: e.canary,
	}
	e.followers = &followers{config: job, Dir: dir, batches: e.batches, openBatches: e.openBatches, cache: e.cache, timer: time.NewTimer(0)}
	e.driver = &driver{
		config: job, Dir: dir, gate: e.gate, openBatches: e.openBatches, changed: e.changed, clock: e.clock, notices: e.notices,
		progress: e.progress, batches: e.batches, cleaner: e.cleaner, finder: e.finder, buyer: e.buyer, watcher: e.watcher,
		fetcher: e.fetcher, settler: e.settler, refusals: e.refusals, blockage: e.blockage, resting: e.resting, anomalies: e.anomalies, followers: e.followers, ledger: e.ledger,
	}
	e.intake = &intake{config: job, Dir: dir, gate: e.gate, changed: e.changed, progress: e.progress, batches: e.batches, followers: e.followers}
	e.packer = &packer{
		config: job, Dir: dir, gate: e.gate, changed: e.changed, progress: e.progress, batches: e.batches, cache: e.cache,
		buyer: e.buyer, driver: e.driver, resting: e.resting, followers: e.followers, ledger: e.ledger, canary: e.canary, primer: e.primer,
	}
	e.controller = &controller{
		config: job, gate: e.gate, openBatches: e.openBatches, clock: e.clock, notices: e.notices, progress: e.progress, cleaner: e.cleaner,
		fetcher: e.fetcher, anomalies: e.anomalies, failures: e.failures, guard: e.guard, batches: e.batches, ledger: e.ledger, canary: e.canary, wake: wake,
		requested: rundir.Watch{Dir: job.dir},
	}
	e.adopter = &adopter{
		config: job, Dir: dir, gate: e.gate, clock: e.clock, progress: e.progress, calls: e.calls, batches: e.batches,
	}
	return e, nil
}
