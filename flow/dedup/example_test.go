package dedup_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/dedup"
)

func Example() {
	keys := dedup.NewKeys(&dedup.MemoryStates{}) // a store on disk remembers what earlier runs have settled
	word := func(s string) string { return s }

	p := flow.New(context.Background())
	fresh := flow.Via(p, flow.From(p, strings.FieldsSeq("to be or not to be")), dedup.New(keys, word, nil))
	claimed := flow.Via(p, fresh, dedup.Claim(keys, word))
	worked := flow.Via(p, claimed, flow.Each(func(_ context.Context, s string) error {
		fmt.Println(s)
		return nil
	}))
	flow.Discard(p, flow.Via(p, worked, dedup.Settle(keys, word)))
	fmt.Println(p.Wait())
	// Output:
	// to
	// be
	// or
	// not
	// <nil>
}
