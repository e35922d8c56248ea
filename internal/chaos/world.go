//go:build unix

package main

import (
	"encoding/json"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/internal/chaos/provider"
)

// world is what is drawn from a seed. It is written to its directory.
type world struct {
	Seed      string        `json:"seed"`
	Protocol  string        `json:"protocol"`
	Shape     shape         `json:"shape"`
	Rows      int           `json:"rows"`    // different ones
	Repeats   int           `json:"repeats"` // rows that are there twice
	BatchSize int           `json:"batch_size"`
	InFlight  int           `json:"in_flight"`
	Poll      time.Duration `json:"poll"`
	MaxWait   time.Duration `json:"max_wait"`
	Incidents incidents     `json:"incidents"`
	Plan      provider.Plan `json:"plan"`

	random *rand.Rand
	input  []item
}

// incidents is how often something is to happen to the processes of a world.
type incidents struct {
	Kills    int `json:"kills"`    // of the client, that cannot be caught
	Stops    int `json:"stops"`    // and going on a while later
	Detaches int `json:"detaches"` // interrupts
	Rivals   int `json:"rivals"`   // that want the same run
	Queries  int `json:"queries"`  // of other processes
	Restarts int `json:"restarts"` // of the provider
	Freezes  int `json:"freezes"`  // of the provider
	Others   int `json:"others"`   // runs of another directory that want the same output
	Cancels  int `json:"cancels"`
	Losses   int `json:"losses"` // of the state directory and the output

	Decisions int `json:"-"` // about rows without results, as often as there is need
	Releases  int `json:"-"` // of batches of somebody else that the run would wait for without end
}

func (n incidents) left() int {
	return n.Kills + n.Stops + n.Detaches + n.Rivals + n.Queries + n.Restarts + n.Freezes + n.Others + n.Cancels + n.Losses
}

// drawWorld draws a world. A small one is over within some seconds.
func drawWorld(seed uint64, protocol string, kinds []provider.Kind, kills int, small bool) *world {
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // not a secret
	w := &world{
		Seed: seedName(seed), Protocol: protocol, random: r, Shape: shapes[r.IntN(len(shapes))],
		Rows: 50 + r.IntN(300), InFlight: 1 + r.IntN(20),
		Poll: between(r, 20*time.Millisecond, 150*time.Millisecond), MaxWait: between(r, 50*time.Millisecond, 400*time.Millisecond),
	}
	if r.IntN(5) == 0 {
		w.Rows = 500 + r.IntN(1500)
	}
	if small {
		w.Rows = 50 + r.IntN(100)
	}
	w.BatchSize = max(5, w.Rows/(3+r.IntN(15)))
	if w.Shape != unnamed && r.IntN(2) == 0 {
		w.Repeats = r.IntN(w.Rows / 4)
	}
	w.Incidents = incidents{
		Kills: kills/2 + r.IntN(kills+1), Stops: r.IntN(4), Detaches: r.IntN(3), Rivals: r.IntN(4), Queries: r.IntN(8),
		Restarts: r.IntN(4), Freezes: r.IntN(3), Others: r.IntN(2),
	}
	switch r.IntN(20) {
	case 0, 1:
		w.Incidents.Cancels = 1
	case 2, 3, 4:
		w.Incidents.Losses = 1
	}
	w.drawPlan(seed, kinds)
	if protocol == provider.Anthropic {
		w.drawRival()
	}
	if small {
		w.Incidents.Kills = min(w.Incidents.Kills, 6)
		w.Plan.Processing /= 2
		w.Plan.Rival.Max = min(w.Plan.Rival.Max, 8)
	}
	w.input = drawItems(r, w)
	if room := w.drawRoom(); slices.Contains(kinds, provider.RefuseFull) && r.IntN(6) == 0 {
		w.Plan.Enqueued = room
	}
	if _, full := w.Plan.Faults[provider.RefuseTokens]; full || w.Plan.Enqueued > 0 {
		w.Plan.Foreign = 0 // those of others would be waited for, ten minutes at a time
	}
	return w
}

// drawRoom draws how many tokens may be open at a time: those of some batches,
// and always more than those of a row.
func (w *world) drawRoom() int {
	if w.Protocol == provider.Anthropic { // rows, and more than those of a batch
		return int(float64(w.BatchSize) * (1 + 3*w.random.Float64()))
	}
	sum, largest := 0, 0
	for _, i := range w.input {
		n := len(i.text)/2 + 60
		sum += n
		largest = max(largest, n)
	}
	return max(3*largest, int(float64(sum*w.BatchSize/len(w.input))*(0.5+3*w.random.Float64())))
}

// drawPlan draws what kind of a provider there is, and which faults it has.
func (w *world) drawPlan(seed uint64, kinds []provider.Kind) {
	r := w.random
	p := &w.Plan
	p.Seed, p.Protocol, p.Grace = seed, w.Protocol, between(r, 2500*time.Millisecond, 3500*time.Millisecond)
	p.Validation = between(r, 20*time.Millisecond, 300*time.Millisecond)
	p.Processing = between(r, 200*time.Millisecond, 2500*time.Millisecond)
	p.Finalizing = between(r, 20*time.Millisecond, 300*time.Millisecond)
	p.Cancelling = between(r, 20*time.Millisecond, 300*time.Millisecond)
	if r.IntN(2) == 0 {
		p.PageSize = 2 + r.IntN(6)
	}
	if foreign := r.IntN(12); slices.Contains(kinds, provider.ListForeign) && r.IntN(2) == 0 {
		p.Foreign = foreign
	}
	if r.IntN(5) == 0 {
		p.MaxBytes = 20_000
	}
	p.Faults = make(map[provider.Kind]provider.Dose)
	for _, kind := range kinds {
		dice := rand.New(rand.NewPCG(seed, kindSeed(kind))) //nolint:gosec // not a secret
		if dose := w.drawDose(dice, kind); dice.IntN(4) == 0 && dose.Max > 0 {
			p.Faults[kind] = dose
		}
	}
}

// kindSeed is that of the dice of a fault, so that it is drawn alike whichever
// others there are.
func kindSeed(kind provider.Kind) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(kind)) // it cannot fail
	return h.Sum64()
}

// drawDose draws how often a fault happens. What it costs a client bounds it.
func (w *world) drawDose(r *rand.Rand, kind provider.Kind) provider.Dose {
	share := 0.05 + 0.35*r.Float64()
	switch name := string(kind); {
	case kind == provider.RowBad, isFlaw(kind):
		return provider.Dose{P: 0.03 * r.Float64(), Max: 1 << 30}
	case kind == provider.RefuseLine:
		return provider.Dose{P: 2 / float64(w.Rows), Max: 1 << 30}
	case kind == provider.ListForeign, kind == provider.RefuseFull:
		return provider.Dose{} // they are there or not
	case kind == provider.RowVanished: // a person has to decide, which takes a while
		return provider.Dose{P: share / 8, Max: r.IntN(6) / 5 * (1 + r.IntN(5))}
	case kind == provider.BatchVanished:
		return provider.Dose{P: share, Max: r.IntN(6) / 5}
	case kind == provider.CreateLate:
		return provider.Dose{P: share, Max: r.IntN(2)} // seldom, as it pays twice
	case strings.HasPrefix(name, "row."):
		return provider.Dose{P: share / 4, Max: 1 + w.Rows/20}
	case strings.HasPrefix(name, "status."), strings.HasPrefix(name, "list."):
		return provider.Dose{P: share / 2, Max: 1 + r.IntN(8)}
	}
	return provider.Dose{P: share, Max: 1 + r.IntN(4)}
}

// isFlaw reports whether the fault makes a question one that gets no answer.
func isFlaw(kind provider.Kind) bool {
	return slices.ContainsFunc(provider.Verdicts, func(v provider.Verdict) bool { return v.Kind == kind && v.Ran })
}

func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}

// write writes all that the processes of a world read.
func (w *world) write(dir string) error {
	for _, name := range []string{"provider", "log"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return err
		}
	}
	b, err := json.MarshalIndent(w, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "world.json"), b, 0o600); err != nil {
		return err
	}
	if err := w.Plan.Write(filepath.Join(dir, "provider")); err != nil {
		return err
	}
	text, err := render(w)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, w.inputName()), text, 0o600)
}
