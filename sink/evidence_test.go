package sink_test

import (
	"math"
	"testing"

	"github.com/balerhq/baler/sink"
)

func TestRowsAreAccountedForAsFarAsCountsLeaveRoom(t *testing.T) {
	ended := func(total, succeeded, failed int) sink.Status {
		return sink.Status{Ended: true, Total: total, Succeeded: succeeded, Failed: failed, NotRun: total - succeeded - failed}
	}
	none := sink.Status{Ended: true, NotRun: math.MaxInt}
	for name, test := range map[string]struct {
		status              sink.Status
		rows, came, skipped int
		want                int
	}{
		"all came":                              {ended(9, 9, 0), 9, 9, 0, 0},
		"all came, whatever is counted":         {ended(0, 0, 0), 9, 9, 0, 0},
		"all came, whatever the state":          {sink.Status{}, 9, 9, 0, 0},
		"counted, and none came":                {ended(9, 9, 0), 9, 0, 0, 9},
		"counted, and some came":                {ended(9, 7, 2), 9, 8, 0, 1},
		"one never ran":                         {ended(9, 8, 0), 9, 8, 0, 0},
		"one never ran and one is missing":      {ended(9, 8, 0), 9, 7, 0, 2},
		"none ran":                              {ended(9, 0, 0), 9, 0, 0, 0},
		"not counted":                           {ended(0, 0, 0), 9, 8, 0, 1},
		"another number counted":                {ended(8, 0, 0), 9, 0, 0, 9},
		"not ended":                             {sink.Status{Total: 9, NotRun: 9}, 9, 8, 0, 1},
		"skipped ones listed, and all that ran": {ended(9, 5, 0), 9, 8, 3, 0},
		"skipped ones take the room":            {ended(9, 5, 0), 9, 7, 3, 2},
		"failed ones, skipped ones and room":    {ended(9, 5, 2), 9, 8, 1, 0},
		"skipped, and a failed one is missing":  {ended(9, 5, 2), 9, 8, 2, 1},
		"none ran, and none is counted":         {none, 9, 0, 0, 0},
	} {
		if got := test.status.Unaccounted(test.rows, test.came, test.skipped); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
