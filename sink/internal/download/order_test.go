package download

import (
	"errors"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// reading yields these outcomes, in which a capital is a row that succeeded and
// a dash one of no row. An exclamation mark is where the reading fails.
func reading(ids string, times *int) func(func(sink.Outcome, error) bool) (bool, error) {
	return func(yield func(sink.Outcome, error) bool) (bool, error) {
		*times++
		for _, id := range ids {
			o := sink.Outcome{ID: strings.ToUpper(string(id))}
			switch {
			case id == '!':
				return true, errBroken
			case id == '-':
				o.ID, o.Err = "", &sink.RowError{Code: "unreadable_line"}
			case id >= 'a':
				o.Err = &sink.RowError{Class: retry.Retryable, Code: "c"}
			}
			if !yield(o, nil) {
				return false, nil
			}
		}
		return true, nil
	}
}

var errBroken = errors.New("the connection broke off")

func TestASuccessComesBeforeAnythingElseThatIsSaidOfItsRow(t *testing.T) {
	for name, test := range map[string]struct {
		ids   string
		stop  int // after so many outcomes
		most  int
		want  string
		times int
		more  bool
		err   error
	}{
		"the others wait":          {"aBbA-C", 99, maxHeld, "BA-Cab", 1, true, nil},
		"nothing to wait for":      {"ABC", 99, maxHeld, "ABC", 1, true, nil},
		"too many to be kept":      {"aBbA-C", 99, perHeld, "BA-Cab", 2, true, nil},
		"none if it breaks off":    {"aB!", 99, maxHeld, "B", 1, true, errBroken},
		"stopped":                  {"aBC", 1, maxHeld, "B", 1, false, nil},
		"stopped among the others": {"aBbC", 3, maxHeld, "BCa", 1, false, nil},
		"stopped the second time":  {"aBbC", 3, perHeld, "BCa", 2, false, nil},
	} {
		times, got := 0, ""
		more, err := successFirst(reading(test.ids, &times), func(o sink.Outcome, _ error) bool {
			id := o.ID
			switch {
			case id == "":
				id = "-"
			case o.Err != nil:
				id = strings.ToLower(id)
			}
			got += id
			return len(got) < test.stop
		}, test.most)
		if got != test.want || times != test.times || more != test.more || !errors.Is(err, test.err) {
			t.Errorf("%s: %s in %d readings, more %v, %v", name, got, times, more, err)
		}
	}
}
