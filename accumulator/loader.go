package accumulator

import (
	"context"
	"errors"
	"sync"
)

// Loader collects items from any number of goroutines into batches and gives
// each caller the result of its own item. Make it with [NewLoader]. It is safe
// for concurrent use and must be closed. The zero value is not usable: its
// methods return an error that says so.
//
// A caller that leaves because its context is done does not disturb the others.
// Its item is sent all the same, because it may be on its way already.
type Loader[In, Out any] struct {
	acc  *Accumulator[In]
	load func(context.Context, Batch[In]) ([]Result[Out], error)

	latest *results[Out] // of the batch that was opened last; guarded by the lock of acc

	mu     sync.Mutex
	unsent map[*results[Out]]struct{} // of the batches that no worker has taken
	shared map[string]*share[Out]     // by key
}

// Result is what the function of a [Loader] found for one item: a value or an
// error.
type Result[Out any] struct {
	Value Out
	Err   error
}

// NewLoader returns a Loader that calls load for each batch, from
// [Config.Workers] goroutines. Load returns one result for each item, in the
// order of the items. It may also return one error, which then is the result of
// all of them. Neither stops the Loader.
//
// If load returns another number of results, no caller can know which one is
// its own, and all get a [*CountError]. If load panics, they get a
// [*PanicError]. If it ends its goroutine, the Loader stops. The batch belongs
// to load, which may release it. The context of load is derived from ctx and
// not from those of the callers. It ends when the Loader stops before all is
// delivered.
//
// [Config] should have a MaxWait or a MaxIdle: otherwise callers wait until
// their batch is full. Zero MaxPending means 64, or Workers+1 if that is more.
// An item that [Stage.Reject] takes is an [*OverweightError] of its Do, too.
// NewLoader returns an error, and starts nothing, if the Config is invalid.
func NewLoader[In, Out any](
	ctx context.Context, stage Stage[In], load func(context.Context, Batch[In]) ([]Result[Out], error),
) (*Loader[In, Out], error) {
	if load == nil {
		return nil, errors.New("accumulator: a loader without a function")
	}
	if stage.cfg.MaxPending == 0 {
		stage.cfg.MaxPending = max(loaderPending, stage.cfg.Workers+1)
	}
	acc, err := stage.Open(ctx)
	if err != nil {
		return nil, err
	}
	l := &Loader[In, Out]{
		acc:    acc,
		load:   load,
		unsent: make(map[*results[Out]]struct{}),
		shared: make(map[string]*share[Out]),
	}
	acc.engine.opened = l.opened
	for range acc.stage.cfg.Workers {
		acc.wg.Go(l.work)
	}
	acc.wg.Go(l.end)
	return l, nil
}

// Do adds item to a batch and returns its result when the batch is done. If ctx
// is done first, it returns the cause of ctx; if it was done before, the item
// is not sent. While [Config.MaxPending] batches are pending Do waits as
// [Accumulator.Add] does. After Close the error is [ErrClosed]. The function of
// the Loader must not call Do: it might wait for itself.
func (l *Loader[In, Out]) Do(ctx context.Context, item In) (Out, error) {
	if l.acc == nil {
		return *new(Out), errZeroLoader
	}
	if ctx.Err() != nil { // nobody wants the result
		return *new(Out), context.Cause(ctx)
	}
	t, err := l.add(ctx, &item)
	if err != nil {
		return *new(Out), err
	}
	return t.await(ctx)
}

// Flush closes all open batches, however small, and waits until each batch
// closed so far is done. See [Accumulator.Flush].
func (l *Loader[In, Out]) Flush(ctx context.Context) error {
	if l.acc == nil {
		return errZeroLoader
	}
	return l.acc.Flush(ctx)
}

// Close refuses further items, closes all open batches and waits until each is
// done. If ctx is done first, the contexts of the batch functions are
// cancelled, and Close waits for those to return; all that have no result by
// then get an error. A second Close returns [ErrClosed].
func (l *Loader[In, Out]) Close(ctx context.Context) error {
	if l.acc == nil {
		return errZeroLoader
	}
	_, err := l.acc.Close(ctx)
	return err
}

// Stats returns figures about the batches closed so far. It may be called at
// any time.
func (l *Loader[In, Out]) Stats() Stats {
	if l.acc == nil {
		return Stats{}
	}
	return l.acc.Stats()
}

// add puts item into a batch and returns its ticket.
func (l *Loader[In, Out]) add(ctx context.Context, item *In) (t ticket[Out], err error) {
	a := l.acc
	if a.plain {
		a.mu.Lock()
		if b := a.current; b != nil && len(b.items)+1 < b.lim.items {
			t = ticket[Out]{l.latest, len(b.items)} // there is one open batch
			b.items = append(b.items, *item)
			a.mu.Unlock()
			return t, nil
		}
		a.mu.Unlock()
	}
	meta := a.stage.metaOf(item)
	attempt := func() error {
		a.single = true
		if a.refusal != nil {
			return a.refusal
		}
		if err := a.engine.add(item, meta); err != nil {
			return err
		}
		t = ticket[Out]{a.engine.joined.(*results[Out]), a.engine.at}
		return nil
	}
	err = a.do(ctx, a.refusing, attempt)
	for errors.Is(err, errNeedLimits) {
		if err = a.stage.askLimits(&meta); err == nil {
			err = a.do(ctx, a.refusing, attempt)
		}
	}
	if heavy, ok := errors.AsType[*OverweightError](err); ok {
		a.stage.reject(*item, heavy)
	}
	return t, err
}
