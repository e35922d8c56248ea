package join_test

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/join"
)

func TestZeroStageNamesItsConstructor(t *testing.T) {
	t.Parallel()
	zero := new(join.Stage[int, int])
	if err := zero.Run(t.Context(), nil, nil); err == nil || !strings.Contains(err.Error(), "make it with New") {
		t.Error(err)
	}
	if got := zero.Stats(); got != (join.Stats{}) {
		t.Errorf("%+v", got)
	}
}
