package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/balerhq/baler/cmd/baler/internal/liveview"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
)

// display shows how far a run is: a view that stays at the bottom of a
// terminal, or else a line whenever something has changed.
type display struct {
	w      io.Writer
	quiet  bool           // only notices are shown
	record *slog.Logger   // gets lines and notices instead of w; nil if they are text
	logged bool           // the log has the notices as records already
	view   *liveview.View // nil if there is none
	status func() (durable.Status, bool)
	stop   chan struct{}
	done   chan struct{}

	mu   sync.Mutex
	now  durable.Progress
	told bool // now has been set
}

// These are how often a view is drawn and the status of the run is read.
const (
	viewInterval   = 500 * time.Millisecond
	statusInterval = time.Second
)

// display shows a run on the console. The status has what its Progress lacks;
// it reports false as long as there is none. Without a view there are lines.
func (s *screen) display(c *console, status func() (durable.Status, bool), noView bool) *display {
	d := &display{w: c, quiet: s.quiet, status: status, stop: make(chan struct{}), done: make(chan struct{})}
	interval := s.interval
	terminal, ok := viewable(c.stderr)
	if ok && !noView && !s.quiet && s.format == formatText {
		d.view, interval = liveview.Start(terminal), viewInterval
		var above io.Writer = d.view
		c.above.Store(&above)
	}
	if s.format == formatJSON {
		d.record = s.loggerFrom(c, slog.LevelInfo)
		d.logged = s.logger(c).Enabled(context.Background(), slog.LevelWarn)
	}
	go d.loop(interval)
	return d
}

// viewable returns the terminal that a view can be kept on.
func viewable(w io.Writer) (*os.File, bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || !liveview.Fits(os.Getenv("TERM")) {
		return nil, false
	}
	return f, true
}

// ownStatus is the status of the run as this process has published it.
func (o *options) ownStatus() (s durable.Status, ok bool) {
	h, err := attachTo(o.state, o.name)
	if err == nil {
		s, err = h.Status()
	}
	return s, err == nil && s.PID == os.Getpid()
}

// rowsOnTerminal reports whether lines of results or events go to a terminal,
// where a view would be torn by them.
func (o *options) rowsOnTerminal() bool {
	for _, path := range []string{o.out, o.events.path} {
		if fd, ok := descriptor(path); ok && term.IsTerminal(int(fd)) {
			return true
		}
	}
	return false
}

// attach lets a job show its progress and its notices.
func (d *display) attach(job *durable.Job[source.Row]) {
	before := job.Progress
	job.Notify, job.Progress = d.notify, func(p durable.Progress) {
		d.update(p)
		if before != nil {
			before(p)
		}
	}
}

// update is the job's Progress.
func (d *display) update(p durable.Progress) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now, d.told = p, true
}

func (d *display) progress() (p durable.Progress, told bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now, d.told
}

// loop shows what has changed, so that a busy run does not wait for a slow
// terminal.
func (d *display) loop(interval time.Duration) {
	defer close(d.done)
	if d.quiet {
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	show := d.lines()
	if d.view != nil {
		show = d.frames()
	}
	for {
		select {
		case <-tick.C:
			show()
		case <-d.stop:
			return
		}
	}
}

// lines returns a function that prints the progress if it has changed.
func (d *display) lines() func() {
	var shown durable.Progress
	return func() {
		now, told := d.progress()
		if told && !reflect.DeepEqual(now, shown) {
			shown = now
			d.line(now)
		}
	}
}

func (d *display) line(p durable.Progress) {
	if d.record != nil {
		d.record.Info("progress", "state", p.State, "read", p.Read, "rows", p.Rows, "succeeded", p.Succeeded, "failed", p.Failed,
			"batches", p.Batches, "open", p.InFlight)
		return
	}
	fmt.Fprintln(d.w, describe(p))
}

// frames returns a function that shows the status in the view, with the
// progress as it is now.
func (d *display) frames() func() {
	var (
		last  durable.Status
		read  time.Time // when last was
		known bool
	)
	return func() {
		now := time.Now()
		if now.Sub(read) >= statusInterval {
			if s, ok := d.status(); ok {
				last, known = s, true
			}
			read = now
		}
		p, told := d.progress()
		if told {
			last.Progress = p
		}
		if told || known {
			d.view.Show(last, now)
		}
	}
}

func describe(p durable.Progress) string {
	prefix := ""
	if p.State != durable.StateRunning {
		prefix = string(p.State) + ": "
	}
	if !p.Read {
		return prefix + "reading: " + rowCount(p.Rows)
	}
	return prefix + fmt.Sprintf("%s of %s done, %s failed, %s, %s open",
		thousands(p.Settled()), rowCount(p.Rows), thousands(p.Failed), batchCount(p.Batches), thousands(p.InFlight))
}

// notify prints what costs money or hours, on a line of its own.
func (d *display) notify(n durable.Notice) {
	switch {
	case d.logged:
		return
	case d.record != nil:
		d.record.Warn("notice", "kind", n.Kind, "tag", n.Tag, "batch", n.Batch, "text", n.Text, "next", n.Next, "advice", n.Advice)
		return
	}
	fmt.Fprintln(d.w, "notice: "+plain(noticeText(n)))
}

// close ends the display. What is printed afterwards stays below what was.
func (d *display) close() {
	close(d.stop)
	<-d.done
	if d.view != nil {
		d.view.Close()
	}
}
