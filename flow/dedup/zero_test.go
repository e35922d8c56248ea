package dedup_test

import (
	"slices"
	"testing"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/dedup"
)

func TestZeroKeysAreInMemory(t *testing.T) {
	t.Parallel()
	var keys dedup.Keys
	same := func(s string) string { return s }
	p := flow.New(t.Context())
	fresh := flow.Via(p, flow.From(p, slices.Values([]string{"a", "b", "a"})), dedup.New(&keys, same, nil))
	done := flow.Via(p, flow.Via(p, fresh, dedup.Claim(&keys, same)), dedup.Settle(&keys, same))
	var got []string
	for s := range flow.Chan(p, done) {
		got = append(got, s)
	}
	if err := p.Wait(); err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%v, %v", got, err)
	}
}
