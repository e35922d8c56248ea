package sink_test

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/sink"
)

func TestZeroStageNamesItsConstructors(t *testing.T) {
	t.Parallel()
	var s sink.Stage[[]int, int]
	if name := s.String(); name != "sink" {
		t.Errorf("named %q", name)
	}
	if err := s.Run(t.Context(), nil, nil); err == nil || !strings.Contains(err.Error(), "New or FromSlices") {
		t.Error(err)
	}
}
