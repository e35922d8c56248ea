package provider

import (
	"encoding/json"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Fault is a line of the record of faults.
type Fault struct {
	At     time.Time `json:"at"`
	Kind   Kind      `json:"kind"`
	Target string    `json:"target,omitempty"`
}

const faultFile = "faults.jsonl"

// dice decides what happens. They belong to whoever holds the lock of the
// server.
type dice struct {
	*rand.Rand
	plan *Plan
	done map[Kind]int
	log  *lines
}

// newDice goes on where the last ones ended: no fault happens more often than
// it may because the provider was started anew.
func newDice(dir string, plan *Plan) (*dice, error) {
	d := &dice{plan: plan, done: make(map[Kind]int)}
	var err error
	d.log, err = openLines(filepath.Join(dir, faultFile), func(line []byte) error {
		var f Fault
		if err := json.Unmarshal(line, &f); err != nil {
			return err
		}
		d.done[f.Kind]++
		return nil
	})
	n := uint64(0)
	for _, times := range d.done {
		n += uint64(times) //nolint:gosec // a count
	}
	d.Rand = rand.New(rand.NewPCG(plan.Seed, n)) //nolint:gosec // not a secret
	return d, err
}

// roll decides whether a fault happens, and notes it.
func (d *dice) roll(kind Kind, target string) bool {
	dose, ok := d.plan.Faults[kind]
	if !ok || d.done[kind] >= dose.Max || d.Float64() >= dose.P {
		return false
	}
	d.done[kind]++
	d.log.append(Fault{time.Now(), kind, target})
	return true
}

// note notes a fault that happens without a roll.
func (d *dice) note(kind Kind, target string) {
	d.done[kind]++
	d.log.append(Fault{time.Now(), kind, target})
}

// around draws a time between half and one and a half times d.
func (d *dice) around(t time.Duration) time.Duration {
	return t/2 + time.Duration(d.Float64()*float64(t))
}

// between draws a time.
func (d *dice) between(low, high time.Duration) time.Duration {
	return low + time.Duration(d.Float64()*float64(high-low))
}

// chance is a number in [0, 1) that depends on the seed and the text alone.
func chance(seed uint64, text string) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strconv.FormatUint(seed, 16) + text)) // it cannot fail
	return rand.New(rand.NewPCG(h.Sum64(), seed)).Float64()     //nolint:gosec // not a secret
}

// Faults reads what a provider did to its client.
func Faults(dir string) (all []Fault, err error) {
	return readAll[Fault](filepath.Join(dir, faultFile))
}

func readAll[T any](path string) (all []T, err error) {
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = eachLine(b, func(line []byte) error {
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			return err
		}
		all = append(all, v)
		return nil
	})
	return all, err
}
