package main

import "fmt"

// entry is one contestant: do handles n items and checks the result.
type entry struct {
	name string
	do   func(n int) error
}

// contest is a column of the table.
type contest struct {
	name    string
	entries []entry
}

func enter[T any](name string, base job[T], do func(*job[T]) error) entry {
	return entry{name, func(n int) error {
		j := base
		j.n = n
		if err := do(&j); err != nil {
			return err
		}
		return j.check()
	}}
}

func calls[T any](j job[T]) []entry {
	return []entry{
		enter("baler Add", j, balerAdd),
		enter("baler AddMany 32", j, balerAddMany),
		enter("baler Producer", j, balerProducer),
		enter(bareAddName, j, bareAdd),
		enter(bareManyName, j, bareMany),
		enter(bareProducerName, j, bareProducer),
		enter("projectdiscovery", j, projectdiscovery),
		enter("ro subject", j, roSubject),
		enter("bundler Add", j, bundlerAdd),
	}
}

func stages[T any](j job[T]) []entry {
	return []entry{
		enter("baler stage 32", j, balerStage),
		enter("lo BufferWithTimeout", j, loBufferWithTimeout),
		enter("rill Batch", j, rillBatch),
		enter("ro FromChannel", j, roChannel),
		enter("deliveryhero Collect", j, collect),
		enter("go-streams Batch", j, goStreamsBatch),
		enter("go-streams pipe", j, goStreamsPipe),
	}
}

// slow is a consumer that needs about as long for an item as eight
// producers need to add five.
func slow(n int) int {
	x := n
	for range n * 100 {
		x = x*1664525 + 1013904223
	}
	return x & 1
}

func contests() []contest {
	all := func(name string, calls, stages []entry) contest { return contest{name, append(calls, stages...)} }
	one, eight := ints(1), ints(8)
	slowOne, slowEight := one, eight
	slowOne.work, slowEight.work = slow, slow
	return []contest{
		all("int p1", calls(one), stages(one)),
		all("int p8", calls(eight), stages(eight)),
		all("128 B p1", calls(wides(1)), stages(wides(1))),
		{"slow", []entry{enter("baler Add", slowOne, balerAdd), enter("baler Add, 8 producers", slowEight, balerAdd)}},
		{"keyed p1", []entry{enter("baler Add", one, balerAdd), enter("baler keyed", one, balerKeyed)}},
		{"1,000 callers", loaders()},
	}
}

// keys are the million that the keyed contest goes through.
var keys = func() []string {
	all := make([]string, 1_000_000)
	for i := range all {
		all[i] = fmt.Sprintf("tenant-%07d", i)
	}
	return all
}()
