package accumulator_test

import (
	"testing"
	"time"

	"github.com/balerhq/baler/accumulator"
)

// FuzzBuffer feeds a Buffer from bytes: each is an item whose weight is its low
// half and which comes as many ticks after the one before as its high half
// says.
func FuzzBuffer(f *testing.F) {
	f.Add(uint8(3), uint8(10), uint8(20), uint8(5), []byte("a few items of different weights"))
	f.Add(uint8(1), uint8(0), uint8(0), uint8(0), []byte{0, 1, 2, 255})
	f.Add(uint8(0), uint8(1), uint8(0), uint8(0), []byte{15, 15, 0, 1, 0})
	f.Add(uint8(0), uint8(0), uint8(15), uint8(3), []byte{0x10, 0x20, 0x30, 0x40})
	f.Fuzz(func(t *testing.T, items, weight, wait, idle uint8, data []byte) {
		cfg := accumulator.Config{
			MaxItems: int(items), MaxWeight: int(weight),
			MaxWait: time.Duration(wait), MaxIdle: time.Duration(idle),
		}
		buf, err := accumulator.NewBuffer[int](cfg)
		if err != nil {
			if cfg.Validate() == nil {
				t.Fatal(err)
			}
			return
		}
		now, next := time.Unix(0, 0), 0
		flush := func() {
			b, ok := buf.Flush(now)
			if !ok {
				t.Fatal("empty batch")
			}
			for _, v := range b.Items {
				if v != next {
					t.Fatalf("item %d came as number %d", v, next)
				}
				next++
			}
			over := cfg.MaxItems > 0 && len(b.Items) > cfg.MaxItems ||
				cfg.MaxWeight > 0 && b.Weight > cfg.MaxWeight && len(b.Items) > 1 ||
				cfg.MaxWait > 0 && b.Age() > cfg.MaxWait
			if over {
				t.Fatalf("over the limits %+v: %+v", cfg, b)
			}
		}
		for i, c := range data {
			arrival := now.Add(time.Duration(c >> 4))
			if due, ok := buf.Deadline(); ok && !due.After(arrival) {
				now = due
				flush()
			}
			now = arrival
			if w := int(c & 15); !buf.Add(i, w, now) {
				flush()
				buf.Add(i, w, now)
			}
			if buf.Full() {
				flush()
			}
		}
		if buf.Len() > 0 {
			if due, ok := buf.Deadline(); ok {
				now = due
			}
			flush()
		}
		if next != len(data) {
			t.Fatalf("%d of %d items came out", next, len(data))
		}
	})
}
