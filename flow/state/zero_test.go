package state_test

import (
	"testing"

	"github.com/balerhq/baler/flow/state"
)

func TestZeroMemoryIsReady(t *testing.T) {
	t.Parallel()
	var m state.Memory
	if err := m.Commit(t.Context(), state.Insert([]byte("key"), []byte("value"))); err != nil {
		t.Fatal(err)
	}
	if r, err := m.Get(t.Context(), []byte("key")); err != nil || string(r.Value) != "value" {
		t.Errorf("%q, %v", r.Value, err)
	}
}
