//go:build unix

package main

import (
	"fmt"

	"github.com/balerhq/baler/internal/chaos/provider"
)

// sort is what kind of a promise was broken.
type sort string

const (
	lost     sort = "lost"
	repeated sort = "repeated"
	wrong    sort = "wrong"
	twice    sort = "billed twice"
	other    sort = "other"
)

var sorts = []sort{lost, repeated, wrong, twice, other}

// findings are the broken promises of a world.
type findings struct {
	count map[sort]int
	lines []string

	faults  map[provider.Kind]int
	batches int // created
	outside int // rows billed twice because a creation came after the grace
	strays  int // files that are there and that no batch needs
	rivals  provider.Rivals
}

const maxFindings = 5 // of a kind that are told

func (f *findings) add(s sort, format string, args ...any) {
	if f.count == nil {
		f.count = make(map[sort]int)
	}
	f.count[s]++
	if f.count[s] <= maxFindings {
		f.lines = append(f.lines, fmt.Sprintf("%s: %s", s, fmt.Sprintf(format, args...)))
	}
}

func (f *findings) none() bool { return len(f.count) == 0 }
