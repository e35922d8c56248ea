package retry

import "fmt"

// Scope is a part of a run with a failure rate of its own: a model of a
// provider, a provider if Model is empty, or the whole run if both are.
type Scope struct{ Provider, Model string }

// String returns "provider/model", "provider" or "run".
func (s Scope) String() string {
	switch {
	case s == Scope{}:
		return "run"
	case s.Model == "":
		return s.Provider
	}
	return s.Provider + "/" + s.Model
}

// within returns the scopes that s is part of, s itself first.
func (s Scope) within() [3]Scope { return [3]Scope{s, {Provider: s.Provider}, {}} }

func (s Scope) isWithin(outer Scope) bool {
	for _, w := range s.within() {
		if w == outer {
			return true
		}
	}
	return false
}

// Alert is the reason of a notification or a pause by a [Guard].
type Alert struct {
	Scope         Scope
	Failed, Total int   // outcomes in the window
	Err           error // the failure that exceeded the rate
}

// Rate returns the share of failures, from 0 to 1.
func (a Alert) Rate() float64 { return float64(a.Failed) / float64(max(a.Total, 1)) }

// String returns a line for a log.
func (a Alert) String() string {
	return fmt.Sprintf("%s: %d of %d failed (%.0f %%), last: %v", a.Scope, a.Failed, a.Total, 100*a.Rate(), a.Err)
}
