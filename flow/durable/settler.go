package durable

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// These limit a chunk of results, which is delivered and recorded at once. A
// chunk costs three syncs, or more if rows go again.
const (
	chunkRows  = 2000
	chunkBytes = 4 << 20
)

// settler delivers results and records which rows are settled.
type settler struct {
	*config
	*jobdir.Dir
	gate     *gate
	clock    *clock
	progress *progress
	batches  *batches
	cleaner  *cleaner
	blockage *blockage
	failures *failures
	guard    *guard
	ledger   *ledger
	canary   *canaryWatch

	settling     sync.Mutex // one batch at a time delivers its results or frees its rows: it owns these
	outputRecord jobdir.Record[jobdir.OutputState]
	failed       error // of the first Write or record that failed: the output holds results without a record
}

// settle delivers the results of a fetched batch in chunks. Each chunk is
// delivered, then written to the journal, then recorded in one commit: the rows
// to retry, the output's mark and the progress of the batch.
func (s *settler) settle(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	c, err := s.settleRows(ctx, in)
	if err == nil {
		err = s.writeAnswers(in, c.answers)
	}
	if err != nil {
		return s.refetch(ctx, in, err)
	}
	s.guard.judge(s.batches.routes.ownOf(in.Route), c.verdicts)
	if c.blocked != nil {
		_ = s.blockage.block(ctx, in, c.blocked) // this batch itself is finished
	}
	if in.Waits() {
		return s.batches.advance(ctx, in, intent.SettlePart{})
	}
	return s.batches.advance(ctx, in, intent.SettleDone{})
}

// settleRows settles the rows. Others wait, but not for what follows: an output
// has no more than one chunk that is not recorded, which it may have to undo.
func (s *settler) settleRows(ctx context.Context, in intent.Intent) (*chunk, error) {
	s.settling.Lock()
	defer s.settling.Unlock()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	c, err := s.newChunk(ctx, in)
	if err != nil {
		return nil, err
	}
	n := uint64(0)
	for o := range c.allAnswers() {
		if o.err != nil {
			return nil, o.err
		}
		if o.At < 0 && in.Waits() {
			break // their results may yet come
		}
		c.row = o.row
		if n++; n <= c.progress {
			c.keep(&o) // it is settled already
			continue
		}
		c.add(&o.Outcome, o.answer)
		if c.full() {
			if err := c.commit(ctx); err != nil {
				return nil, err
			}
		}
	}
	err = c.commit(ctx)
	return c, err
}

// chunk gathers outcomes until they are committed together.
type chunk struct {
	s        *settler
	in       intent.Intent
	all      *jobdir.EncodedRows // of the batch
	row      jobdir.Entry        // that is settled
	together []bool              // rows that shared a request; nil if none did
	progress uint64              // rows of the batch that are recorded
	rows     int                 // rows in the chunk
	bytes    int

	results   []Result
	retries   []jobdir.Entry
	which     []jobdir.RowSpan // rows of the manifest that are retried
	failed    int
	resent    int // retries by decision of rows that may have been paid for
	late      int // results after their item's deadline
	unsourced int
	spent     jobdir.RouteState // by the batch's route
	cost      costs
	codes     map[string]int // of failed rows
	cached    int
	shared    int
	invalid   []jobdir.Invalid // rows whose answers failed the check
	over      []jobdir.FailedOver
	asked     jobdir.Asked
	err       error // of add
	blocked   error // the error of a row about which a person has to act
	// Of the whole batch: reset keeps them.
	answers  []jobdir.Answer
	verdicts verdicts
	guessed  *estimate // nil until an answer does not say what it has used
}

func (s *settler) newChunk(ctx context.Context, in intent.Intent) (*chunk, error) {
	c := &chunk{s: s, in: in}
	if err := c.readRows(); err != nil {
		return nil, err
	}
	c.cost.priced = s.prices.ofRoute(s.batches.routes.get(in.Route))
	var err error
	if c.cost.before, err = s.ProgressOf(ctx, s.store, in.Tag); err != nil {
		return nil, err
	}
	c.progress = c.cost.before.Rows
	c.cost.recorded, err = s.TenantCosts(ctx, s.store, in.Tag)
	return c, err
}

// readRows reads the manifest. Its rows are decoded one at a time, since a batch
// may have many.
func (c *chunk) readRows() (err error) {
	if c.all, err = c.s.EncodedRows(c.in.Tag, c.in.Rows); err != nil || c.in.Pack == nil {
		return err
	}
	entries, err := c.s.Entries(c.in.Tag, c.in.Rows)
	c.together = jobdir.Together(entries, c.in.Pack)
	return err
}

func (c *chunk) full() bool { return c.rows >= chunkRows || c.bytes >= chunkBytes }

func (c *chunk) add(o *jobdir.Outcome, a sink.Answer) {
	c.rows++
	row := &c.row
	if o.Err != nil && (c.goesAlone(o) || c.isRetried(row, &o.Outcome)) {
		c.observe(o, o.Err)
		c.retryRow(o)
		if o.Err.Code == intent.CodeMissing {
			c.resent++
		}
		return
	}
	verdict, err := c.review(o, &a)
	c.observe(o, cmp.Or(verdict.wrong, a.Err))
	if c.lengthen(o, &a) {
		return
	}
	if verdict.again || err != nil {
		c.err = errors.Join(c.err, err)
		return
	}
	if c.failOver(o, &a) {
		return
	}
	r := Result{Cached: o.Cached(), Shared: o.Shared, Cost: c.costOf(row, 0, true)}
	r.SetOrigin(row, c.s.batches.targets.get(int(row.Target)))
	r.takeAnswer(a)
	r.Value = verdict.value
	r.SetRoute(row, c.in.Route, c.s.batches.routes.get)
	c.bytes += len(r.Response)
	c.results = append(c.results, r)
	if row.Deadline != 0 && time.Now().After(jobdir.TimeOf(row.Deadline)) {
		c.late++
	}
	if r.isUnsourced() {
		c.unsourced++
	}
	if r.Error != nil {
		c.failed++
		c.codes = addFailure(c.codes, r.Error)
	}
	switch {
	case r.Shared:
		c.shared++
		return // it costs nothing
	case r.Error != nil:
		c.spent.Failed++
	case r.Cached:
		c.cached++
		return // it costs nothing, and its age stays that of the original
	default:
		c.spent.Succeeded++
	}
	c.note(row, o, r.Error)
	cost, list, known := c.bill(o, r.Usage)
	billed := &c.results[len(c.results)-1]
	if billed.Cost = c.costOf(row, cost, known); known {
		billed.List = &list
	}
}

// keep notes the answer of an outcome that was delivered before.
func (c *chunk) keep(o *outcomeRead) {
	if o.Origin != "" {
		return
	}
	row, a := &c.row, &o.answer
	if a.Err == nil && a.Reply != nil {
		if _, wrong := c.s.judge.value(row.Key, *a.Reply); wrong != nil {
			return
		}
	}
	failure, _ := errors.AsType[*sink.RowError](a.Err)
	c.note(row, &o.Outcome, failure)
}

// retry lets the row be retried, which is the nth of the manifest.
func (c *chunk) retry(n int, sent bool) {
	c.retries = append(c.retries, c.row.Again(sent))
	c.which = jobdir.AddRow(c.which, n)
}

// isRetried reports whether a failed row is retried. A blocked row is not at
// fault, so it never fails for that. An ambiguous one may have been answered,
// so that it would be paid for twice. In a cancelled run, a row that is to be
// retried gets no result: it waits, and nothing is bought.
func (c *chunk) isRetried(row *jobdir.Entry, o *sink.Outcome) bool {
	failure := o.Err
	if failure.Code == intent.CodeMissing {
		return failure.Class == retry.Retryable // a person has decided that
	}
	if c.s.gate.cancelled() {
		return neverRan(o)
	}
	if c.unsent() && failure.Class == retry.Retryable {
		return true // other rows are at fault and fail, so the retries have an end
	}
	if failure.Class == retry.Blocked {
		c.blocked = retry.Mark(failure, retry.Blocked)
		return true
	}
	if neverRan(o) && c.s.batches.routes.escalates(row) {
		return true // there its attempts count again
	}
	return failure.Class == retry.Retryable && !c.usesUp(row)
}

// unsent reports whether the batch was refused, so that none of its rows
// reached a model.
func (c *chunk) unsent() bool { return c.in.Refused() }

// commit delivers and records the chunk, and empties it.
func (c *chunk) commit(ctx context.Context) error {
	if c.rows == 0 || c.err != nil {
		return c.err
	}
	if err := c.s.deliver(ctx, c.results); err != nil {
		return err
	}
	s := c.s.outputRecord.Value
	if r, ok := c.s.output.(Rewinder); ok {
		s.Mark = r.Mark()
	}
	s.Succeeded += len(c.results) - c.failed
	s.Failed += c.failed
	s.Late += c.late
	s.Resent += c.resent
	s.Unsourced += c.unsourced
	s.Cached += c.cached
	s.Shared += c.shared
	if !c.s.gate.cancelled() && !c.unsent() {
		s.Retried += len(c.retries)
	}
	s = s.With(c.in.Route, c.spent)
	return c.record(ctx, s, !c.unsent())
}

// deliver writes results to the output. After an error, of this or of a record,
// no others must follow before the output is rewound: the next mark would cover
// results that have no record.
func (s *settler) deliver(ctx context.Context, results []Result) error {
	if len(results) > 0 && s.failed == nil {
		s.failed = s.output.Write(ctx, results)
	}
	return s.failed
}

// record writes the outcome of the chunk's rows to the journal and then to the
// store, unless something has failed before.
func (c *chunk) record(ctx context.Context, s jobdir.OutputState, sent bool) error {
	if c.s.failed == nil {
		c.s.failed = c.write(ctx, s, sent)
	}
	return c.s.failed
}

// write does not end with ctx, because what happened must not be lost.
func (c *chunk) write(ctx context.Context, s jobdir.OutputState, sent bool) error {
	e, until := c.s, c.progress+uint64(c.rows) //nolint:gosec // a count
	var asked *jobdir.Asked
	if e.canary.asks() && c.asked != (jobdir.Asked{}) {
		asked = &c.asked
	}
	err := e.batches.journal.Append(jobdir.Line{Settled: &jobdir.Settled{
		Tag: c.in.Tag, At: e.clock.now(), From: c.progress, Until: until, Again: c.which, Unsent: !sent, Output: s,
		Cost: c.cost.sum.Cost, Tenants: c.cost.sum.Tenants(), Tiers: c.cost.tiers, Failed: c.codes, Invalid: c.invalid, Over: c.over, Asked: asked,
	}})
	if err != nil {
		return err
	}
	mark, err := e.outputRecord.Put(s)
	if err != nil {
		return err
	}
	ops := append(c.cost.ops(e.Keys, c.in.Tag, until), mark)
	if err := e.batches.ready.Add(context.WithoutCancel(ctx), c.retries, ops...); err != nil {
		return err
	}
	e.ledger.charge(c.in, c.cost.sum, s.Routes[c.in.Route])
	spending := e.ledger.spending()
	e.failures.add(c.codes)
	e.canary.count(c.asked, c.cost.sum.Cost)
	e.progress.update(func(p *Progress) {
		p.Spending = spending
		e.progress.countOutput(&s, p)
	})
	e.callbacks.reportRows(c.results)
	c.reset(until)
	return nil
}

func (c *chunk) reset(progress uint64) {
	c.progress = progress
	c.rows, c.bytes, c.failed, c.resent, c.late, c.unsourced, c.cached, c.shared, c.spent = 0, 0, 0, 0, 0, 0, 0, 0, jobdir.RouteState{}
	c.cost.reset()
	c.codes, c.invalid, c.over, c.asked = nil, nil, nil, jobdir.Asked{}
	clear(c.results)
	c.results, c.retries, c.which = c.results[:0], c.retries[:0], c.which[:0]
}
