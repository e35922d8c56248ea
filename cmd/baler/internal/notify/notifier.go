package notify

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable"
)

// These bound what a target can hold up.
const (
	maxWaiting = 64               // messages that wait for a target; others are left out
	lastWait   = 30 * time.Second // for all targets, once the run has ended
)

// Notifier delivers messages, to each target by a goroutine of its own. Observe
// and Progress are for durable.Job; they never wait.
type Notifier struct {
	reader   reader
	targets  []*line
	warn     func(string)
	lastWait time.Duration

	stop     context.CancelFunc
	finished sync.WaitGroup
}

// line are the messages that wait for a target.
type line struct {
	to       *Target
	messages chan Message
	left     int // messages that found no room
}

// Start starts a notifier. Warn is called, by one goroutine at a time, with
// what could not be delivered. Only Close ends a notifier, not the end of ctx:
// that is when there is most to tell.
func Start(ctx context.Context, targets []*Target, warn func(string)) *Notifier {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	var mu sync.Mutex
	n := &Notifier{
		reader: reader{told: make(map[noticeKey]bool)}, stop: stop, lastWait: lastWait,
		warn: func(text string) {
			mu.Lock()
			defer mu.Unlock()
			warn(text)
		},
	}
	for _, t := range targets {
		l := &line{to: t, messages: make(chan Message, maxWaiting)}
		n.targets = append(n.targets, l)
		n.finished.Go(func() { n.deliver(ctx, l) })
	}
	return n
}

// Progress takes the counts that messages have.
func (n *Notifier) Progress(p durable.Progress) { n.reader.now = p }

// Observe takes an event of the run. It and Progress must not be called at the
// same time, nor after Close.
func (n *Notifier) Observe(e durable.Event) {
	for _, m := range n.reader.read(e) {
		for _, l := range n.targets {
			select {
			case l.messages <- m:
			default:
				l.left++
			}
		}
	}
}

func (n *Notifier) deliver(ctx context.Context, l *line) {
	for m := range l.messages {
		if err := l.to.deliver(ctx, m); err != nil {
			n.warn(fmt.Sprintf("%s did not get the message %q of the run %q: %v", l.to, m.Event, m.Run, err))
		}
	}
}

// Close waits until all messages are delivered, at most for half a minute.
func (n *Notifier) Close() {
	timer := time.AfterFunc(n.lastWait, n.stop)
	defer timer.Stop()
	defer n.stop()
	for _, l := range n.targets {
		close(l.messages)
		if l.left > 0 {
			n.warn(fmt.Sprintf("%s is too slow: %d messages were left out", l.to, l.left))
		}
	}
	n.finished.Wait()
}
