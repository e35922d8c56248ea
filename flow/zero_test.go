package flow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow"
)

// A value that no constructor has made says which one to use.
func TestZeroValuesNameTheirConstructor(t *testing.T) {
	var p flow.Pipeline
	if err := p.Wait(); err == nil || !strings.Contains(err.Error(), "make it with New") {
		t.Errorf("Wait: %v", err)
	}
	if graph, stats := p.Graph(), p.Stats(); len(graph.Nodes) != 0 || len(stats) != 0 {
		t.Errorf("the zero Pipeline has %+v and %+v", graph, stats)
	}
	var f flow.Func[int, int]
	in := make(chan []int)
	close(in)
	if err := f.Run(t.Context(), in, nil); err == nil || !strings.Contains(err.Error(), "make it with Map") {
		t.Errorf("Run: %v", err)
	}
	defer func() {
		if said := fmt.Sprint(recover()); !strings.Contains(said, "make it with New") {
			t.Errorf("a source of a zero Pipeline: %s", said)
		}
	}()
	flow.From(&p, slices.Values([][]int{{1}}))
}
