package durable

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/balerhq/baler/internal/intent"
)

// awaitRoom waits until the batch fits beside what the account has enqueued.
// Another batch then gets its slot. It returns errBlocked once nothing is
// bought by the batch's route, because other routes may take its rows.
func (b *buyer) awaitRoom(ctx context.Context, in intent.Intent) error {
	s := b.batches.stayOf(in)
	if ok, err := b.rooms.try(ctx, s); ok || err != nil {
		return err
	}
	b.slots.release(in.Tag)
	return b.reserve(ctx, in, s)
}

// reserve waits for room. A notice says so if that takes long.
func (b *buyer) reserve(ctx context.Context, in intent.Intent, s *stay) error {
	wanted, end := context.WithCancelCause(ctx)
	done := make(chan struct{})
	b.waiting.add(s.place, 1)
	go func() {
		defer close(done)
		b.watchRoom(wanted, in, s, end)
	}()
	err := b.rooms.reserve(wanted, s)
	end(nil)
	<-done
	if b.waiting.add(s.place, -1) == 0 {
		b.notices.clear(NoticeRoom, s.model)
	}
	return err
}

// watchRoom looks after a wait for room: it raises the notice, asks about
// batches that no job waits for, and lets more be tried if the provider is slow
// to say that it runs a batch. It ends the wait if the batch's route is out.
func (b *buyer) watchRoom(ctx context.Context, in intent.Intent, s *stay, end context.CancelCauseFunc) {
	tick := time.NewTicker(longWait)
	defer tick.Stop()
	from := b.batches.serviceOf(in)
	for {
		b.rooms.ask(ctx, from, b.clock.now(), b.rooms.due(s.account, b.clock.now()))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if b.batches.routes.isOut(in.Route) {
			end(errBlocked)
			return
		}
		b.rooms.hurry(s.place)
		if l, ok := b.rooms.lacks(s); ok && !b.notices.has(NoticeRoom, s.model) {
			b.notices.raise(ctx, Notice{
				Kind: NoticeRoom, Tag: s.model, Since: time.Now().Add(-longWait),
				Text: l.text(s.model), Advice: l.advice(),
			})
		}
	}
}

func (l lack) text(model string) string {
	return fmt.Sprintf("batches for the model %q wait for room: %d %s of at most %d are enqueued, and the next has %d",
		model, l.held, l.unit, l.most, l.wants)
}

func (l lack) advice() string {
	from := "if the account may have more"
	if l.learned {
		from = "the limit was learned from refusals; if you know it"
	}
	return "each is uploaded when it fits; " + from + ", say so: Job.Enqueued, Route.Enqueued (--enqueued-tokens, --enqueued-rows)"
}

// roomWaits counts the batches that wait for room.
type roomWaits struct {
	mu sync.Mutex
	in map[place]int
}

// add changes the number of those that wait in a place, and returns it.
func (w *roomWaits) add(p place, n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.in == nil {
		w.in = make(map[place]int)
	}
	w.in[p] += n
	return w.in[p]
}
