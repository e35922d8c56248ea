package main

import (
	"context"
	"flag"
	"os"
	"testing"

	"github.com/balerhq/baler/sink/catalog"
)

var assert = flag.Bool("transfer", false, "send batches of 200 MB and read results of 1 GB, in bounded memory")

// aboveIdle is the most that a transfer may have in memory, above what the
// client has when idle.
const aboveIdle = 64e6

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv(asClient) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// A batch of any size is sent and read in memory that does not depend on it. A
// small one shows that the measurement works.
func TestTransfersTakeBoundedMemory(t *testing.T) {
	if !*assert {
		*rows, *request, *answer = 500, 2000, 2000
	}
	for _, name := range catalog.Names() {
		m, err := measure(context.WithoutCancel(t.Context()), name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Logf("%s:%s%s", name, m.Up, m.Down)
		if least := int64(*rows) * int64(*request); m.Up.Bytes < least || m.Down.Bytes < int64(*rows)*int64(*answer) {
			t.Errorf("%s: %+v for %d rows", name, m, *rows)
		}
		if m.Up.Above > aboveIdle || m.Down.Above > aboveIdle {
			t.Errorf("%s: %s and %s were in memory, above what an idle client has", name, inMB(m.Up.Above), inMB(m.Down.Above))
		}
	}
}
