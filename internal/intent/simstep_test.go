package intent_test

import (
	"time"

	"github.com/balerhq/baler/internal/intent"
)

// step does what the protocol asks for.
func (e *engine) step(d *driver) {
	switch d.in.Next() {
	case intent.Upload:
		if e.call(func() { e.pass(e.upTo(time.Minute)) }) {
			e.advance(d, intent.UploadDone{File: "file"})
		}
	case intent.Create:
		e.create(d)
	case intent.Doubt:
		e.doubt(d)
	case intent.Find:
		if e.repeats && d.in.State == intent.Unknown && !d.denied && !d.repeated {
			e.stats["repeated"]++
			d.repeated = true
			e.create(d)
			return
		}
		d.repeated = false
		if e.abandons > 0 && !d.in.Abandoned && (d.in.State == intent.Unknown || d.in.State == intent.Held) && e.chance(e.abandons) {
			e.stats["abandoned"]++
			e.advance(d, intent.Abandoned{})
			return
		}
		e.find(d)
	case intent.Cancel:
		if e.call(func() { e.provider.cancel(d.in.Surplus[d.in.Cancelled]) }) || e.defect == foreignClass {
			e.advance(d, intent.CancelDone{})
		}
	case intent.Poll:
		e.poll(d)
	case intent.Prove:
		e.prove(d)
	case intent.Fetch:
		e.fetch(d)
	case intent.Settle:
		e.settle(d)
	case intent.Release:
		e.release(d)
	case intent.Clean:
		if e.call(func() {}) { // the provider deletes its files
			e.advance(d, intent.CleanDone{})
		}
	case intent.Nothing:
		e.fail("nothing to do for %+v", d.in)
	}
}

// create sends the one request that costs money.
func (e *engine) create(d *driver) {
	sending := intent.Sending{Account: account, Now: e.wall(), Deadline: e.wall().Add(time.Minute), Repeats: d.in.State == intent.Unknown}
	if e.defect != sendBeforeSending {
		e.advance(d, sending)
	}
	r := unsent
	if !e.call(func() { r = e.provider.create(d.in.Tag, e.disk.bales[d.in.Tag]) }) && r != unsent {
		r = silence
		if e.defect == foreignClass {
			r = no
		}
	}
	e.pass(e.upTo(time.Minute))
	if e.defect == sendBeforeSending {
		e.advance(d, sending)
	}
	switch r {
	case yes:
		e.advance(d, intent.Created{Batch: e.provider.last()})
	case no, unsent:
		e.advance(d, intent.NotCreated{})
		d.wake = e.now.Add(time.Minute)
		d.doubt, d.denied = e.now, d.in.State == intent.Unknown && e.chance(0.5)
	case silence:
		e.stats["doubts"]++
		e.doubt(d)
	}
}

func (e *engine) doubt(d *driver) {
	if e.defect == sendAgain {
		e.advance(d, intent.NotCreated{})
		return
	}
	d.doubt = e.now
	e.advance(d, intent.Unclear{Now: e.wall()})
}

// find lists until the doubt is resolved: seldom, or a process that dies often
// gets nowhere.
func (e *engine) find(d *driver) {
	if d.doubt.IsZero() {
		d.doubt = e.now
	}
	if shown := d.doubt.Add(e.grace); d.in.Abandoned && e.now.Before(shown) {
		d.wake = shown
		return
	}
	was := d.in.State
	if e.list(d); e.over {
		return
	}
	d.wake = e.now.Add(max(time.Minute, d.doubt.Add(e.grace).Sub(e.now)))
	switch {
	case d.in.State == intent.Held:
		d.wake = e.now.Add(10 * time.Minute)
		if was != intent.Held {
			e.stats["held"]++
		}
	case d.in.Unproven:
		e.stats["early"]++
	}
}

func (e *engine) poll(d *driver) {
	d.wake = e.now.Add(10*time.Minute + e.upTo(10*time.Minute))
	if d.in.InDoubt() {
		if e.list(d); d.in.Next() != intent.Poll || e.over {
			return
		}
	}
	b := e.provider.get(d.in.Batch)
	switch {
	case !e.provider.ended(b):
		if e.now.Sub(b.applied) > window+2*e.grace {
			e.stats["not ended"]++
			e.advance(d, intent.BatchEnded{Reason: &intent.Reason{Class: "retryable"}})
		}
	case !b.refused:
		e.advance(d, intent.BatchEnded{})
	case d.in.Refusals < 3 && e.chance(0.5):
		e.stats["put off"]++
		e.advance(d, intent.PutOff{Again: e.now, Upload: e.chance(0.5)})
	case len(b.rows)%2 == 0:
		e.advance(d, intent.Refused{})
	default:
		e.advance(d, intent.BatchEnded{Reason: &intent.Reason{Code: "refused"}})
	}
}
