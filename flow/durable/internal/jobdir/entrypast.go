package jobdir

import (
	"encoding/json"
	"math"
	"slices"

	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/sink/llm/price"
)

// past is what an entry has of earlier attempts. Most entries are sent once, so
// that it is not in the entry. Copies of an entry share it, so it never changes.
type past struct {
	tries    []Try       // by the routes that it was sent to
	appended []byte      // llm.Messages in JSON: further turns of its chat
	limit    uint32      // tokens of its answer, if that was cut off; 0: as its request says
	paid     price.Money // for its answers
}

// Try counts how often an item was sent to a route.
type Try struct {
	Route uint16
	Times uint8
	Code  string // why the route failed the item for good; "" if it did not
}

// Tries returns what was tried, by the routes that the item was sent to before.
// They are read only.
func (e *Entry) Tries() []Try {
	if e.past == nil {
		return nil
	}
	return e.past.tries
}

// Appended returns llm.Messages in JSON, further turns of the item's chat. They
// are read only.
func (e *Entry) Appended() []byte {
	if e.past == nil {
		return nil
	}
	return e.past.appended
}

// Limit returns how many tokens the answer may have, if it was cut off before.
// It is 0 if that is as the request says.
func (e *Entry) Limit() uint32 {
	if e.past == nil {
		return 0
	}
	return e.past.limit
}

// Paid returns what the answers of the item have cost so far.
func (e *Entry) Paid() price.Money {
	if e.past == nil {
		return 0
	}
	return e.past.paid
}

// SetTries changes what Tries returns.
func (e *Entry) SetTries(tries []Try) { e.ownPast().tries = tries }

// SetLimit changes what Limit returns.
func (e *Entry) SetLimit(tokens uint32) { e.ownPast().limit = tokens }

// SetPaid changes what Paid returns.
func (e *Entry) SetPaid(m price.Money) { e.ownPast().paid = m }

// ownPast gives the entry a past that no copy of it has.
func (e *Entry) ownPast() *past {
	own := new(past)
	if e.past != nil {
		*own = *e.past
	}
	e.past = own
	return own
}

// Attempts returns how often the item was sent.
func (e *Entry) Attempts() (n int) {
	for _, t := range e.Tries() {
		n += int(t.Times)
	}
	return n
}

// Turns returns how many turns were appended to the chat of the item.
func (e *Entry) Turns() int {
	if len(e.Appended()) == 0 {
		return 0
	}
	var turns []json.RawMessage
	_ = json.Unmarshal(e.Appended(), &turns) // as Append wrote them
	return len(turns)
}

// AttemptsOn returns how often the item was sent to a route.
func (e *Entry) AttemptsOn(route uint16) int {
	for _, t := range e.Tries() {
		if t.Route == route {
			return int(t.Times)
		}
	}
	return 0
}

// FailedBy returns the entry of an item that its route has failed for good, for
// another route: without the turns that were appended for this one.
func (e Entry) FailedBy(code string) Entry {
	e = e.Again(true)
	p := e.ownPast() // Again has made its tries anew
	p.appended = nil
	for i := range p.tries {
		if p.tries[i].Route == e.Route {
			p.tries[i].Code = code
		}
	}
	return e
}

// Again returns the entry for a retry. If the item was sent, its attempts on
// its route grow by one. A follower that was to be sent follows no more.
func (e Entry) Again(sent bool) Entry {
	if e.Follows() {
		e.Level = LevelOf(queue.PriorityNormal)
	}
	if !sent {
		return e
	}
	tries := slices.Clone(e.Tries())
	switch i := slices.IndexFunc(tries, func(t Try) bool { return t.Route == e.Route }); {
	case i >= 0:
		tries[i].Times = min(tries[i].Times, math.MaxUint8-1) + 1
	case len(tries) < math.MaxUint8:
		tries = append(tries, Try{Route: e.Route, Times: 1})
	}
	e.SetTries(tries)
	return e
}
