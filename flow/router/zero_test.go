package router_test

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/router"
)

func TestZeroRouterNamesItsConstructor(t *testing.T) {
	t.Parallel()
	if err := new(router.Router[int, int]).Run(t.Context(), nil, nil); err == nil || !strings.Contains(err.Error(), "make it with New") {
		t.Error(err)
	}
}
