package accumulator

import (
	"reflect"
	"testing"
	"time"
)

func TestOnlyWhatHasPointersIsCleared(t *testing.T) {
	type flat struct {
		_ [3]float64
		_ bool
	}
	type linked struct {
		_ flat
		_ [2]struct{ s string }
	}
	for _, tc := range []struct {
		t    reflect.Type
		want bool
	}{
		{reflect.TypeFor[int](), false},
		{reflect.TypeFor[uintptr](), false},
		{reflect.TypeFor[complex128](), false},
		{reflect.TypeFor[flat](), false},
		{reflect.TypeFor[[0]string](), false},
		{reflect.TypeFor[string](), true},
		{reflect.TypeFor[[]int](), true},
		{reflect.TypeFor[any](), true},
		{reflect.TypeFor[func()](), true},
		{reflect.TypeFor[linked](), true},
		{reflect.TypeFor[*flat](), true},
		{reflect.TypeFor[map[int]int](), true},
		{reflect.TypeFor[chan int](), true},
	} {
		if got := hasPointers(tc.t); got != tc.want {
			t.Errorf("%v has pointers: %t, want %t", tc.t, got, tc.want)
		}
	}
}

func TestReleaseForgetsWhatTheItemsPointTo(t *testing.T) {
	buf, err := NewBuffer[*int](Config{MaxItems: 2})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		buf.Add(new(int), 0, time.Time{})
	}
	batch, _ := buf.Flush(time.Time{})
	memory := batch.Items
	batch.Release()
	if memory[0] != nil || memory[1] != nil {
		t.Error("released memory keeps items alive")
	}
}
