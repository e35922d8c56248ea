package intercept_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/internal/memtemp"
)

func TestMain(m *testing.M) {
	memtemp.Use()
	goleak.VerifyTestMain(m)
}
