package durable

import (
	"fmt"

	"github.com/balerhq/baler/ratelimit"
)

// newEngine puts the parts of an engine together. What the directory of the job
// says is found out by recover.
func newEngine(c config) (*engine, error) {
	limiter, err := ratelimit.NewLimiter(c.creates)
	if err != nil {
		return nil, fmt.Errorf("durable: Job.Creates: %w", err)
	}
	polls, err := newPoller(c.polls)
	if err != nil {
		return nil, fmt.Errorf("durable: Job.Polls: %w", err)
	}
	e := &engine{
		config: c, gate: newGate(Running), board: newBoard(), changed: make(chan struct{}, 1),
		vigils: new(vigils), rest: newRest(), surprises: new(surprises), failures: new(failures), cache: new(cache),
		tally: &tally{notify: c.progress},
	}
	job, dir := &e.config, &e.Dir
	e.clock = &clock{config: job, gate: e.gate}
	e.notices = &notices{config: job}
	e.calls = &calls{config: job, gate: e.gate, notices: e.notices, polls: polls, heavy: make(chan struct{}, c.transfers)}
	e.batches = &batches{config: job, Dir: dir, owners: newOwners(), throttles: newThrottles(e.clock.now), tally: e.tally}
	e.accounts = &accounts{config: job, clock: e.clock, notices: e.notices, calls: e.calls, batches: e.batches}
	e.refusals = &refusals{
		config: job, Dir: dir, gate: e.gate, clock: e.clock, notices: e.notices, calls: e.calls, batches: e.batches,
	}
	e.cleaner = &cleaner{
		config: job, Dir: dir, gate: e.gate, board: e.board, clock: e.clock, notices: e.notices, tally: e.tally,
		batches: e.batches, accounts: e.accounts, surprises: e.surprises,
	}
	e.finder = &finder{
		config: job, clock: e.clock, notices: e.notices, calls: e.calls, batches: e.batches, accounts: e.accounts, vigils: e.vigils,
	}
	e.blockage = &blockage{gate: e.gate, board: e.board, notices: e.notices}
	e.buyer = &buyer{
		config: job, gate: e.gate, clock: e.clock, notices: e.notices, calls: e.calls, batches: e.batches,
		refusals: e.refusals, blockage: e.blockage, cleaner: e.cleaner, finder: e.finder, vigils: e.vigils,
		limiter: limiter, creating: make(chan struct{}, 1),
	}
	e.watcher = &watcher{
		config: job, board: e.board, clock: e.clock, notices: e.notices, calls: e.calls, batches: e.batches,
		accounts: e.accounts, refusals: e.refusals, finder: e.finder, vigils: e.vigils,
	}
	e.fetcher = &fetcher{
		config: job, Dir: dir, gate: e.gate, board: e.board, changed: e.changed, notices: e.notices, calls: e.calls,
		batches: e.batches, accounts: e.accounts, rest: e.rest, surprises: e.surprises,
	}
	e.settler = &settler{
		config: job, Dir: dir, gate: e.gate, clock: e.clock, tally: e.tally, batches: e.batches, cleaner: e.cleaner,
		blockage: e.blockage, failures: e.failures,
	}
	e.driver = &driver{
		config: job, Dir: dir, gate: e.gate, board: e.board, changed: e.changed, clock: e.clock, notices: e.notices,
		tally: e.tally, batches: e.batches, cleaner: e.cleaner, finder: e.finder, buyer: e.buyer, watcher: e.watcher,
		fetcher: e.fetcher, settler: e.settler, rest: e.rest, surprises: e.surprises,
	}
	e.intake = &intake{config: job, Dir: dir, changed: e.changed, tally: e.tally, batches: e.batches, digester: newDigester(c.provider)}
	e.packer = &packer{
		config: job, Dir: dir, gate: e.gate, changed: e.changed, tally: e.tally, batches: e.batches, cache: e.cache,
		buyer: e.buyer, driver: e.driver, rest: e.rest,
	}
	e.controller = &controller{
		config: job, gate: e.gate, board: e.board, clock: e.clock, notices: e.notices, tally: e.tally, cleaner: e.cleaner,
		fetcher: e.fetcher, surprises: e.surprises, failures: e.failures, poke: make(chan struct{}, 1),
	}
	e.adopter = &adopter{
		config: job, Dir: dir, gate: e.gate, clock: e.clock, tally: e.tally, calls: e.calls, batches: e.batches,
	}
	return e, nil
}
