package accumulator

import (
	"errors"
	"fmt"
	"time"
)

// Config says when a batch is closed and how much may be held at once. At
// least one of MaxItems, MaxWeight, MaxWait and MaxIdle must be set; whichever
// is reached first closes the batch. Without MaxItems and MaxWeight the size
// of a batch is bounded by the flow of items alone.
type Config struct {
	// MaxItems is the largest number of items in a batch. Zero means that
	// the count does not close a batch.
	MaxItems int

	// MaxWeight is the largest sum of the weights in a batch, in the unit of
	// the function given to [Stage.WeighBy], which it needs. It is a cap, not a
	// trigger: a batch is closed before an item would take it over the limit. A
	// single item that is heavier than the limit leaves alone, or goes to the
	// function given to [Stage.Reject]. Zero means that weight does not close a
	// batch.
	MaxWeight int

	// MaxWait is how long the first item of a batch waits at most before
	// the batch is closed. Later items do not prolong it. Zero means that
	// age does not close a batch.
	MaxWait time.Duration

	// MaxIdle closes a batch when no item has joined it for so long. It
	// costs one reading of the clock per item. Zero means that silence does
	// not close a batch.
	MaxIdle time.Duration

	// MaxKeys is the largest number of keys with an open batch. Zero means
	// 1024. It has no meaning without keys.
	MaxKeys int

	// WaitForKey chooses what happens when MaxKeys are open and an item of
	// another key arrives. False means that the batch which has been open
	// longest is closed with the reason [ReasonEvict]. True means that the item
	// waits until some batch closes; this needs MaxWait or MaxIdle, or it
	// could wait for ever.
	WaitForKey bool

	// PerKey returns the limits of one key: MaxItems, MaxWeight, MaxWait and
	// MaxIdle of its result replace those of this Config, all four of them;
	// the other fields are ignored. It is called by the goroutine of an Add, or
	// the Run, when a batch of the key is to be opened, and must be safe for
	// concurrent use. A result that Validate would not accept is an error of the
	// Add, or the Run, that opens the batch. Nil means that all keys have the
	// same limits.
	PerKey func(key string) Config

	// MaxPending is how many closed batches may be undelivered, waiting or
	// with a handler, before Add waits: no batch is opened then. With 1
	// nothing is collected while a batch is handled. Zero means 8, or
	// Workers+1 if that is more. [Stage.Run] does not use it: the output
	// channel is the bound there.
	MaxPending int

	// Workers is how many handlers [Stage.Start] or [NewLoader] runs at a time;
	// nothing else uses it. Zero means 1, which also keeps the batches in
	// order.
	Workers int
}

const (
	defaultKeys    = 1024
	defaultPending = 8
	loaderPending  = 64
)

// Validate returns an error that names the first field which is out of range,
// or nil. Everything in this package that takes a Config calls it.
func (c Config) Validate() error {
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"MaxItems", int64(c.MaxItems)},
		{"MaxWeight", int64(c.MaxWeight)},
		{"MaxWait", int64(c.MaxWait)},
		{"MaxIdle", int64(c.MaxIdle)},
		{"MaxKeys", int64(c.MaxKeys)},
		{"MaxPending", int64(c.MaxPending)},
		{"Workers", int64(c.Workers)},
	} {
		if f.value < 0 {
			return fmt.Errorf("accumulator: Config.%s is negative: %d", f.name, f.value)
		}
	}
	if c.MaxItems == 0 && c.MaxWeight == 0 && c.MaxWait == 0 && c.MaxIdle == 0 {
		return errors.New("accumulator: Config sets none of MaxItems, MaxWeight, MaxWait and MaxIdle: nothing would close a batch")
	}
	if c.WaitForKey && c.MaxWait == 0 && c.MaxIdle == 0 {
		return errors.New("accumulator: Config.WaitForKey needs MaxWait or MaxIdle: nothing else is sure to free a key")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.MaxKeys == 0 {
		c.MaxKeys = defaultKeys
	}
	if c.Workers == 0 {
		c.Workers = 1
	}
	if c.MaxPending == 0 {
		c.MaxPending = max(defaultPending, c.Workers+1)
	}
	return c
}
