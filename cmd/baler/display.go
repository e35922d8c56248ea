package main

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/balerhq/baler/flow/durable"
)

// display shows how far a run is: a bar on a terminal, a line every few seconds
// elsewhere.
type display struct {
	w    io.Writer
	stop chan struct{}
	done chan struct{}

	mu  sync.Mutex
	now durable.Progress

	printing sync.Mutex
	bar      *progressbar.ProgressBar // nil when not on a terminal
}

const (
	barInterval  = 100 * time.Millisecond
	lineInterval = 5 * time.Second
)

func newDisplay(w io.Writer) *display {
	d := &display{w: w, stop: make(chan struct{}), done: make(chan struct{})}
	interval := lineInterval
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		interval = barInterval
		d.bar = progressbar.NewOptions(1, progressbar.OptionSetWriter(w), progressbar.OptionShowCount(),
			progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(true))
	}
	go d.loop(interval)
	return d
}

// update is the job's Progress.
func (d *display) update(p durable.Progress) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = p
}

// loop shows what has changed, so that a busy run does not wait for a slow
// terminal.
func (d *display) loop(interval time.Duration) {
	defer close(d.done)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var shown durable.Progress
	for {
		select {
		case <-tick.C:
		case <-d.stop:
			return
		}
		d.mu.Lock()
		now := d.now
		d.mu.Unlock()
		if !reflect.DeepEqual(now, shown) {
			d.show(now)
			shown = now
		}
	}
}

func (d *display) show(p durable.Progress) {
	d.printing.Lock()
	defer d.printing.Unlock()
	if d.bar == nil {
		fmt.Fprintln(d.w, describe(p))
		return
	}
	d.bar.ChangeMax(max(p.Rows, 1))
	d.bar.Describe(fmt.Sprintf("%s, %d batches, %d open", p.State, p.Batches, p.InFlight))
	_ = d.bar.Set(p.Settled()) // a terminal that is gone is nobody's concern
}

func describe(p durable.Progress) string {
	prefix := ""
	if p.State != durable.StateRunning {
		prefix = string(p.State) + ": "
	}
	if !p.Read {
		return fmt.Sprintf("%sreading: %d rows", prefix, p.Rows)
	}
	return prefix + fmt.Sprintf("%d of %d rows done, %d failed, %d batches, %d open",
		p.Settled(), p.Rows, p.Failed, p.Batches, p.InFlight)
}

// notify prints what costs money or hours, on a line of its own above the bar.
func (d *display) notify(n durable.Notice) {
	d.printing.Lock()
	defer d.printing.Unlock()
	if d.bar == nil {
		fmt.Fprintln(d.w, "notice: "+plain(noticeText(n)))
		return
	}
	_ = d.bar.Clear()
	fmt.Fprintln(d.w, "notice: "+plain(noticeText(n)))
	_ = d.bar.RenderBlank() // as it was: the next change may be hours away
}

func (d *display) close() {
	close(d.stop)
	<-d.done
	if d.bar != nil {
		_ = d.bar.Clear()
	}
}
