package state_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/balerhq/baler/flow/state"
)

// asFiller makes the test binary write records to a directory until it cannot,
// and print the number of those that were acknowledged.
const asFiller = "STATE_TEST_FILL"

func fillerKey(i int) []byte { return fmt.Appendf(nil, "filler %08d", i) }

// fillerHas makes it look for as many records instead.
const fillerHas = "STATE_TEST_FILLED"

func fillUp(path string) {
	d, err := state.Open(path, state.Config{Log: quiet.Log, MinFree: -1})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if n, err := strconv.Atoi(os.Getenv(fillerHas)); err == nil {
		os.Exit(lookUp(d, n))
	}
	for n := 0; ; n += 20 {
		var ops []state.Op
		for i := n; i < n+20; i++ {
			ops = append(ops, state.Put(fillerKey(i), bytes.Repeat(fillerKey(i), 200), 1))
		}
		if err := d.Commit(context.Background(), ops...); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(n + 20)
	}
}

func lookUp(d *state.Dir, n int) (code int) {
	defer d.Close()
	for i := range n {
		r, err := d.Get(context.Background(), fillerKey(i))
		if err != nil || !bytes.Equal(r.Value, bytes.Repeat(fillerKey(i), 200)) {
			fmt.Fprintf(os.Stderr, "record %d of %d: %v\n", i, n, err)
			return 1
		}
	}
	return 0
}
