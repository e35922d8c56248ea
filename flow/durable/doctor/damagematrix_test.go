package doctor_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/sparse"
)

var damageCases = flag.Int("damage.cases", 40, "how many ways to damage a half-finished run; 0: all")

// asProbe makes the test binary examine a directory, which a damaged index may
// end.
const asProbe = "DURABLE_TEST_PROBE"

func probeAndTell(path string) {
	dir, err := durable.Open(path)
	var h *doctor.Health
	if err == nil {
		h, err = doctor.Examine(context.Background(), dir.With(state.Config{Log: durabletest.Quiet}))
	}
	if err != nil {
		fmt.Println(`{"problems":[{"what":"` + strings.ReplaceAll(err.Error(), `"`, "'") + `"}]}`)
		return
	}
	_ = json.NewEncoder(os.Stdout).Encode(h)
}

// damageCase is one damage to one file, or an exchange of two.
type damageCase struct {
	how, file, with string
	do              func(d disk)
}

func (c *damageCase) String() string { return strings.TrimSpace(c.how + " " + c.file + " " + c.with) }

// kindOf groups the files that may be taken for one another.
func kindOf(name string) string {
	switch dir, base := path.Split(name); {
	case strings.Contains(dir, "job-"):
		if sub := strings.Split(dir, "/"); len(sub) > 3 {
			return sub[2] // manifests, results ...
		}
		return base
	case strings.Contains(dir, "/index/"):
		return "index" + path.Ext(name)
	default:
		return base
	}
}

// damageOf lists what can happen to the files of a state directory.
func damageOf(d disk) (all []damageCase) {
	names := slices.Sorted(maps.Keys(d))
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, "state/") })
	one := func(how, file string, do func(b []byte) []byte) {
		all = append(all, damageCase{how: how, file: file, do: func(d disk) {
			b := do(d[file].Bytes())
			if b == nil {
				delete(d, file)
				return
			}
			d[file] = sparse.Of(b)
		}})
	}
	for _, f := range names {
		for how, do := range durabletest.Harms {
			one(how, f, do)
		}
		size := len(d[f].Data)
		for i := range min(size, 9) {
			at := i * (size - 1) / max(1, min(size, 9)-1)
			one(fmt.Sprintf("flipped at %d", at), f, func(b []byte) []byte { b[at] ^= 4; return b })
		}
		for _, g := range names {
			if f == g || kindOf(f) != kindOf(g) {
				continue
			}
			all = append(all, damageCase{"copied over", f, g, func(d disk) { d[f] = d[g] }})
			if f < g {
				all = append(all, damageCase{"exchanged", f, g, func(d disk) { d[f], d[g] = d[g], d[f] }})
			}
		}
		if kindOf(f) == "manifests" {
			if g := strings.Replace(f, "/manifests/", "/results/", 1); d[g].Size > 0 {
				all = append(all, damageCase{"exchanged", f, g, func(d disk) { d[f], d[g] = d[g], d[f] }})
			}
		}
	}
	slices.SortFunc(all, func(a, b damageCase) int { // shuffled, and every time the same
		return int(int32(shuffled(a.String()))>>1) - int(int32(shuffled(b.String()))>>1)
	})
	return all
}

func shuffled(s string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(s))
	return h.Sum32() * 2654435761
}

// Whatever happens to one file of a half-finished run, or to two that are
// exchanged: the run and the doctor name a file and change nothing, or the run
// goes on, after the doctor has mended it or without, and ends with exactly the
// results and the bill that it would have had.
func TestNoDamageIsSilent(t *testing.T) {
	if testing.Short() {
		t.Skip("runs two jobs some forty times")
	}
	d, inputs := halfFinished(t)
	all := damageOf(d)
	cases := all
	if n := *damageCases; n > 0 {
		cases = all[:min(n, len(all))]
	}
	var mu sync.Mutex
	outcomes := make(map[string]int)
	t.Run("cases", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.String(), func(t *testing.T) {
				t.Parallel()
				damaged := maps.Clone(d)
				c.do(damaged)
				dir := filepath.Join(t.TempDir(), "case")
				damaged.write(t, dir)
				b := newBench(t, dir, inputs)
				got := b.survive(&c)
				mu.Lock()
				defer mu.Unlock()
				outcomes[got]++
			})
		}
	})
	t.Logf("%d of %d cases: %v", len(cases), len(all), outcomes)
	if outcomes["silent"] > 0 {
		t.Errorf("%d silent", outcomes["silent"])
	}
}

// survive says what became of a damaged run.
func (b *bench) survive(c *damageCase) string {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.T.Context(), 2*time.Minute)
	defer cancel()
	twice := strings.Contains(c.file, "/answers/") || strings.Contains(c.with, "/answers/") ||
		strings.Contains(c.file, "/results/") || strings.Contains(c.with, "/results/")
	mended := false
	for range 4 {
		file, err := b.try(ctx, c)
		if err == nil {
			return b.outcome(c, twice, mended)
		}
		if !namesAFile(err, b.state()) {
			b.T.Errorf("%s: refused without the name of a file: %v", c, err)
		}
		health := b.examine(ctx)
		if len(health.Problems) == 0 {
			b.T.Errorf("%s: refused, and the doctor says that all is well: %v", c, err)
			return "silent"
		}
		if !health.Repairable() || b.cure(ctx, health) != nil {
			if file != "" {
				b.T.Logf("%s: %s", c, file)
			}
			return "refused"
		}
		mended = true
	}
	b.T.Errorf("%s: mended again and again", c)
	return "silent"
}

// try runs both jobs, in this process only if another one survives the index.
func (b *bench) try(ctx context.Context, c *damageCase) (file string, err error) {
	if strings.Contains(c.file, "/index/") || strings.Contains(c.file, "STATE.json") {
		h, err := b.probe(ctx)
		if err != nil {
			return "index", err
		}
		for _, p := range h.Problems { // Badger leaves goroutines behind when it fails
			if p.Repair == doctor.RepairIndex {
				return p.File, &state.DamageError{Dir: b.state(), File: p.File, Err: errors.New(p.What)}
			}
		}
	}
	for _, name := range []string{"half", "first"} {
		if err := b.run(ctx, name); err != nil {
			return name, err
		}
	}
	return "", nil
}

// outcome checks a run that has gone on.
func (b *bench) outcome(c *damageCase, twice, mended bool) string {
	b.T.Helper()
	wrong := b.check(twice)
	for _, name := range []string{"half", "first"} {
		wrong = append(wrong, b.checkArchive(name)...)
	}
	switch {
	case len(wrong) > 0:
		b.T.Errorf("%s: %s", c, strings.Join(wrong[:min(len(wrong), 5)], "; "))
		return "silent"
	case mended:
		return "mended"
	case b.Log.Count("damaged")+b.Log.Count("cannot be read") > 0:
		return "healed"
	}
	return "unaffected"
}

// checkArchive reads the results of a job once more: they are right, or a file
// is named.
func (b *bench) checkArchive(name string) (wrong []string) {
	a, err := archive.Open(b.StateDir(), name)
	if err != nil {
		if !namesAFile(err, b.state()) {
			wrong = append(wrong, err.Error())
		}
		return wrong
	}
	defer a.Close()
	for s, err := range a.Results(archive.Query{Codec: b.Provider.Info().Codec}) {
		if err != nil {
			if !namesAFile(err, b.state()) {
				wrong = append(wrong, err.Error())
			}
			return wrong
		}
		checkResult(&s.Result, func(format string, args ...any) { wrong = append(wrong, "archive: "+fmt.Sprintf(format, args...)) })
	}
	return wrong
}

func namesAFile(err error, dir string) bool {
	var damage *state.DamageError
	return errors.As(err, &damage) || strings.Contains(err.Error(), dir)
}

// probe examines the directory in another process, and returns why that died.
func (b *bench) probe(ctx context.Context) (*doctor.Health, error) {
	self, err := os.Executable()
	if err != nil {
		b.T.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), asProbe+"="+b.state())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, died := cmd.Output()
	var h doctor.Health
	if err := json.Unmarshal(out, &h); err != nil {
		return nil, &state.DamageError{Dir: b.state(), File: "index", Err: fmt.Errorf("%w: %.200s", cmp.Or(died, err), stderr.String())}
	}
	return &h, nil
}

func (b *bench) examine(ctx context.Context) *doctor.Health {
	h, err := b.probe(ctx)
	if err != nil {
		if h, err = doctor.ExamineFiles(ctx, b.StateDir(), err); err != nil {
			b.T.Fatal(err)
		}
	}
	return h
}

// cure does what the doctor does.
func (b *bench) cure(ctx context.Context, h *doctor.Health) (err error) {
	switch {
	case h.Needs(doctor.RepairJournal):
		err = doctor.RepairJournals(ctx, b.StateDir())
	case h.Needs(doctor.RepairBatchFiles):
		err = doctor.RepairFiles(ctx, b.StateDir())
	default:
		_, err = doctor.Rebuild(ctx, b.StateDir())
	}
	if err != nil && !namesAFile(err, b.state()) {
		b.T.Errorf("the doctor names no file: %v", err)
	}
	return err
}
