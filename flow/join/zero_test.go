package join_test

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/join"
)

func TestZeroStageNamesItsConstructor(t *testing.T) {
	t.Parallel()
	if err := new(join.Stage[int, int]).Run(t.Context(), nil, nil); err == nil || !strings.Contains(err.Error(), "make it with New") {
		t.Error(err)
	}
}
