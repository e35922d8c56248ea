package main

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMovingAverage(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if want := "20.0\n20.0\n21.0\n23.0\n23.0\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
}
