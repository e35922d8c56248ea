package doctor_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/internal/memtemp"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(asProbe); path != "" {
		probeAndTell(path)
		os.Exit(0)
	}
	memtemp.Use()
	goleak.VerifyTestMain(m)
}
