package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/internal/sparse"
	"github.com/balerhq/baler/sink/simulator"
)

// ward is a run that can be taken back to where it was, with its provider.
type ward struct {
	t        *testing.T
	in       string // which is not the same file once it was copied
	dir      string
	provider *wardProvider
	from     string // a copy of dir
}

// wardProvider is a provider that stays at one address, which is part of the
// account, while its simulator is replaced. A simulator that is started at an
// earlier address may find it taken.
type wardProvider struct {
	url string

	mu  sync.RWMutex // held for reading by the requests under way
	now *simulator.Simulator
}

func startWardProvider(t *testing.T) *wardProvider {
	t.Helper()
	p := new(wardProvider)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *wardProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	p.now.ServeHTTP(w, r)
}

// start puts a new simulator, whose state is in dir, behind the address.
func (p *wardProvider) start(t *testing.T, dir string) {
	t.Helper()
	s, err := simulator.New(simulator.Config{Dir: dir, Latency: simulator.Latency{Processing: 20 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // which may have been done
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = s
}

// stop closes the simulator. No request is under way then.
func (p *wardProvider) stop(t *testing.T) {
	t.Helper()
	if err := p.now.Close(); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.mu.Unlock() //nolint:gocritic,staticcheck // the requests under way have ended
}

const wardRows = 60

// halfDone is a run that was killed while it had settled, bought and waiting
// rows.
func halfDone(t *testing.T) *ward {
	t.Helper()
	w := &ward{t: t, in: t.TempDir(), dir: t.TempDir(), provider: startWardProvider(t)}
	writeFile(t, w.in, "in.jsonl", tickets(wardRows)...)
	w.provider.start(t, w.remote())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := command(ctx, t, w.dir, withKey, w.args()...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for written := 0; written < wardRows/3; time.Sleep(time.Millisecond) {
		b, _ := os.ReadFile(filepath.Join(w.dir, "out.jsonl"))
		written = bytes.Count(b, []byte("\n"))
	}
	cancel()
	if cmd.Wait() == nil {
		t.Fatal("it was done before it was killed")
	}
	w.provider.stop(t)
	w.keep()
	return w
}

// keep makes this the state to which the run is taken back.
func (w *ward) keep() {
	w.t.Helper()
	w.from = filepath.Join(w.t.TempDir(), "copy")
	if err := sparse.CopyDir(w.dir, w.from); err != nil {
		w.t.Fatal(err)
	}
}

// again is the run as it was kept, with its provider.
func (w *ward) again(t *testing.T) *ward {
	t.Helper()
	if err := os.RemoveAll(w.dir); err != nil {
		t.Fatal(err)
	}
	if err := sparse.CopyDir(w.from, w.dir); err != nil {
		t.Fatal(err)
	}
	again := &ward{t: t, in: w.in, dir: w.dir, provider: w.provider}
	again.provider.start(t, w.remote())
	return again
}

// remote is the directory of the provider.
func (w *ward) remote() string { return filepath.Join(w.dir, "provider") }

func (w *ward) baseURL() string { return w.provider.url + "/v1" }

func (w *ward) args() []string {
	return []string{
		"run", filepath.Join(w.in, "in.jsonl"), "--out", "out.jsonl", "--model", "m", "--prompt", "Summarise: {{.text}}",
		"--base-url", w.baseURL(), "--poll", "5ms", "--grace", "300ms", "--max-wait", "50ms",
		"--batch-size", "10", "--max-in-flight", "2", "--keep-remote",
	}
}

func (w *ward) run() result { return runCommand(w.t, w.dir, withKey, w.args()...) }

func (w *ward) doctor(args ...string) result {
	return runCommand(w.t, w.dir, nil, append([]string{"doctor"}, args...)...)
}

func (w *ward) wantExactlyOnce() {
	w.t.Helper()
	wantExactlyOnce(w.t, w.dir, w.baseURL(), wardRows)
}

// files are the files of the state directory, by their names in it.
func (w *ward) files() (names []string) {
	w.t.Helper()
	state := filepath.Join(w.from, ".baler")
	err := filepath.WalkDir(state, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(state, name)
		names = append(names, rel)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}

// damage is what happens to a file. Nil deletes it.
type damage struct {
	how string
	do  func([]byte) []byte
}

var damages = []damage{
	{"deleted", func([]byte) []byte { return nil }},
	{"torn", func(b []byte) []byte { return b[:max(0, len(b)-7)] }},
	{"flipped", func(b []byte) []byte { return flipped(b, len(b)/2) }},
	{"emptied", func([]byte) []byte { return []byte{} }},
	{"cut in half", func(b []byte) []byte { return b[:len(b)/2] }},
	{"flipped first", func(b []byte) []byte { return flipped(b, 0) }},
	{"flipped last", func(b []byte) []byte { return flipped(b, len(b)-1) }},
}

// damagesOf is all of them for a file of which there is but one, and the first
// ones for others, of which package state tries more.
func damagesOf(name string) []damage {
	switch kindOf(name) {
	case "journal.jsonl", "requests", "ready":
		return damages
	}
	return damages[:3]
}

func flipped(b []byte, at int) []byte {
	if len(b) > 0 {
		b[at] ^= 1
	}
	return b
}

func (w *ward) harm(name string, do func([]byte) []byte) {
	w.t.Helper()
	file := filepath.Join(w.dir, ".baler", name)
	f, err := sparse.Read(file)
	if err != nil {
		w.t.Fatal(err)
	}
	if b := do(f.Bytes()); b == nil {
		err = os.Remove(file)
	} else {
		err = sparse.Of(b).Write(file)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// Whatever file of a run is damaged, one of three things happens: the run goes
// on and each row has one result, paid for once; or it is refused, made again
// by the doctor, and then goes on likewise; or both name the file and change
// nothing.
func TestDamageIsNeverSilent(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the command some hundred times")
	}
	t.Parallel()
	w := halfDone(t)
	outcomes := make(map[string]int)
	for _, name := range w.files() {
		for _, d := range damagesOf(name) {
			t.Run(name+" "+d.how, func(t *testing.T) {
				w := w.again(t)
				w.harm(name, d.do)
				got := w.survive(name)
				outcomes[fmt.Sprintf("%s: %s", kindOf(name), got)]++
			})
		}
	}
	t.Log(outcomes)
}

func kindOf(name string) string {
	kind := strings.Split(filepath.ToSlash(name), "/")
	return kind[min(1, len(kind)-1)]
}

// survive says what became of a damaged run.
func (w *ward) survive(name string) string {
	w.t.Helper()
	r := w.run()
	if r.code == exitOK {
		w.wantExactlyOnce()
		return "harmless"
	}
	if r.code != exitUsage || !strings.Contains(r.stderr, ".baler") || !strings.Contains(r.stderr, "baler doctor") {
		w.t.Errorf("refused without a file or a way out: %+v", r)
	}
	d := w.doctor("--repair")
	if d.code != exitOK {
		if d.code != exitFailed || !strings.Contains(d.stdout, filepath.Dir(name)) {
			w.t.Errorf("the doctor does not say what is wrong: %+v", d)
		}
		if strings.HasPrefix(name, "index") || name == "STATE.json" {
			w.t.Errorf("the index cannot be made again: %+v", d)
		}
		w.t.Log(d.stdout)
		return "refused"
	}
	if r := w.run(); r.code != exitOK {
		w.t.Fatalf("repaired, but: %+v\n%+v", r, d)
	}
	w.wantExactlyOnce()
	return "repaired"
}

func TestDoctorFindsNothingWrong(t *testing.T) {
	w := halfDone(t)
	w = w.again(t)
	for _, stage := range []string{"half done", "done"} {
		d := w.doctor()
		if d.code != exitOK || !d.says("all is well") {
			t.Fatalf("%s: %+v", stage, d)
		}
		var h doctor.Health
		if d = w.doctor("--json"); d.code != exitOK || json.Unmarshal([]byte(d.stdout), &h) != nil || len(h.Jobs) != 1 || h.Jobs[0].Rows != wardRows {
			t.Fatalf("%s: %+v", stage, d)
		}
		if r := w.run(); r.code != exitOK {
			t.Fatalf("%+v", r)
		}
	}
	w.wantExactlyOnce()
}

// What an error in the input ended is as it should be.
func TestDoctorFindsNothingAfterABadInput(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	for n := range 5 { // the row before the error is acknowledged or not, as it happens
		writeFile(t, dir, "in.jsonl", append(tickets(previewRows), `{"id":`)...)
		args := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--name", strconv.Itoa(n))
		if r := runCommand(t, dir, withKey, args...); r.code != exitUsage {
			t.Fatalf("%+v", r)
		}
	}
	if r := runCommand(t, dir, nil, "doctor"); r.code != exitOK {
		t.Errorf("%+v", r)
	}
}

// A batch that carries a tag and that no run knows is listed, and cancelled on
// request; those of the run are not.
func TestDoctorFindsOrphans(t *testing.T) {
	server := startSimulator(t, simulator.Config{Latency: simulator.Latency{Processing: time.Hour}})
	lost, dir := t.TempDir(), t.TempDir()
	for _, d := range []string{lost, dir} {
		writeFile(t, d, "in.jsonl", tickets(5)...)
		ctx, cancel := context.WithCancel(t.Context())
		cmd := command(ctx, t, d, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")...)
		before := len(server.Batches())
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for len(server.Batches()) == before {
			time.Sleep(time.Millisecond)
		}
		cancel()       // before or after it learned of the batch, which it would look for
		_ = cmd.Wait() // it was killed
	}
	args := []string{"doctor", "--json", "--base-url", server.URL + "/v1"}
	first := server.Batches()[0].ID
	found := func(flag string, code int) orphan {
		t.Helper()
		r := runCommand(t, dir, withKey, append(args, flag)...)
		var report doctorReport
		if err := json.Unmarshal([]byte(r.stdout), &report); err != nil || r.code != code {
			t.Fatalf("%v: %+v", err, r)
		}
		if len(report.Orphans) != 1 || report.Orphans[0].Batch != first {
			t.Fatalf("orphans %+v, want %s", report.Orphans, first)
		}
		return report.Orphans[0]
	}
	if o := found("--orphans", exitOK); o.Cancelled || o.Failed != "" {
		t.Errorf("listed: %+v", o)
	}
	refuse := simulator.Fault{Route: "POST /v1/batches/{id}/cancel", Action: simulator.ActionFail, Status: http.StatusForbidden}
	if err := server.SetFaults(refuse); err != nil {
		t.Fatal(err)
	}
	if o := found("--cancel-orphans", exitFailed); o.Cancelled || o.Failed == "" {
		t.Errorf("refused: %+v", o)
	}
	if err := server.SetFaults(); err != nil {
		t.Fatal(err)
	}
	if o := found("--cancel-orphans", exitOK); !o.Cancelled || o.Failed != "" {
		t.Errorf("cancelled: %+v", o)
	}
	if r := runCommand(t, dir, nil, append(args, "--orphans")...); r.code != exitUsage || !strings.Contains(r.stderr, keyVariable) {
		t.Errorf("without a key: %+v", r)
	}
}
