package simulator_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

func TestAReopenedSimulatorGoesOnWithTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := simulator.Config{Dir: t.TempDir(), Latency: openaitest.Slow, Seed: 7}
		var running, input, finished string
		// Each closes and opens it in another state of the batch.
		for _, step := range []struct {
			down   time.Duration
			status string
			counts openaitest.Counts
		}{
			{0, "validating", openaitest.Counts{}},
			{time.Minute, "in_progress", openaitest.Counts{Total: 10}},
			{5 * time.Hour, "in_progress", openaitest.Counts{Total: 10, Completed: 5}},
			{5 * time.Hour, "finalizing", openaitest.Counts{Total: 10, Completed: 10}},
			{2 * time.Minute, "completed", openaitest.Counts{Total: 10, Completed: 10}},
			{time.Hour, "completed", openaitest.Counts{Total: 10, Completed: 10}},
		} {
			time.Sleep(step.down)
			srv, err := simulator.StartPipe(cfg)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			c := openaitest.Client{T: t, Base: srv.URL, Key: "sk-one", HTTP: srv.Client()}
			if running == "" {
				input = c.Upload(openaitest.Many(10)).ID
				running = c.Create(input).ID
			}
			b := c.WantStatus(running, step.status, step.counts)
			if b.Status == "completed" {
				finished = string(c.Download(b.OutputFileID))
				openaitest.WantBilled(t, srv, 10)
			}
			if got := c.Download(input); string(got) != openaitest.Many(10) {
				t.Error("the input file changed")
			}
			if err := srv.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if n := strings.Count(finished, "\n"); n != 10 {
			t.Errorf("%d results", n)
		}
	})
}

func TestACancelledBatchIsReopenedAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := simulator.Config{Dir: t.TempDir(), Latency: openaitest.Slow}
		srv, c := openaitest.StartInBubble(t, cfg)
		id := c.Create(c.Upload(openaitest.Many(10)).ID).ID
		openaitest.Sleep(time.Minute + 3*time.Hour)
		c.Do(200, "POST", "/v1/batches/"+id+"/cancel", "", nil)
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		srv, c = openaitest.StartInBubble(t, cfg)
		synctest.Wait()
		c.WantStatus(id, "cancelled", openaitest.Counts{Total: 10, Completed: 3})
		openaitest.WantBilled(t, srv, 3)
	})
}

func TestABatchThatExpiredMeanwhileDidNotRunOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := simulator.Config{Dir: t.TempDir(), Latency: simulator.Latency{Processing: 48 * time.Hour}}
		srv, c := openaitest.StartInBubble(t, cfg)
		id := c.Create(c.Upload(openaitest.Many(10)).ID).ID
		openaitest.Sleep(time.Hour)
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(40 * time.Hour)
		srv, c = openaitest.StartInBubble(t, cfg)
		synctest.Wait()
		c.WantStatus(id, "expired", openaitest.Counts{Total: 10, Completed: 5})
		openaitest.WantBilled(t, srv, 5)
	})
}

func TestTheClockKeepsItsTimeAtAnotherSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		srv, _ := openaitest.StartInBubble(t, simulator.Config{Dir: dir, Speed: 100})
		begin := srv.Now()
		time.Sleep(time.Minute)
		if err := srv.Advance(time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		srv, _ = openaitest.StartInBubble(t, simulator.Config{Dir: dir, Speed: 2})
		time.Sleep(time.Minute)
		if passed := srv.Now().Sub(begin); passed != 202*time.Minute+time.Hour {
			t.Errorf("%v passed", passed)
		}
	})
}

func TestATemporaryDirectoryIsRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	srv, err := simulator.Start("", simulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(os.TempDir() + "/*"); err != nil || len(left) != 1 {
		t.Errorf("temporary directories %q, %v", left, err)
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(os.TempDir() + "/*"); err != nil || len(left) != 0 {
		t.Errorf("left behind %q, %v", left, err)
	}
}

func TestADamagedRecordIsReported(t *testing.T) {
	for _, path := range []string{"clock.json", "batches/batch_x.json", "files/file-x.json"} {
		dir := t.TempDir()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := simulator.New(simulator.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("got %v, want an error about %s", err, path)
		}
	}
}

func TestABrokenDirectoryFailsEveryRequest(t *testing.T) {
	dir := t.TempDir()
	srv, err := simulator.Start("", simulator.Config{Dir: dir, Latency: simulator.Latency{Validation: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	c := openaitest.NewClient(t, srv.URL)
	c.Create(c.Upload(openaitest.GoodRow).ID)
	if err := os.RemoveAll(filepath.Join(dir, "batches")); err != nil {
		t.Fatal(err)
	}
	c.Do(500, "POST", "/v1/batches", `{"input_file_id":"f","endpoint":"/v1/responses","completion_window":"24h"}`, nil)
	if err := srv.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	for status := 0; status != 500; { // soon, when validation has failed to save its verdict
		status, _, err = c.Try("GET", "/v1/batches", "", nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := srv.Close(); err == nil || !strings.Contains(err.Error(), "save batch_") {
		t.Errorf("close: %v", err)
	}
}

func TestTheRequestLogShowsAllButTheKey(t *testing.T) {
	dir := t.TempDir()
	srv, c := openaitest.Start(t, simulator.Config{Dir: dir})
	c.As("sk-secret-1").Do(200, "GET", "/v1/files?purpose=batch", "", nil)
	c.As("sk-secret-2").Do(404, "GET", "/v1/batches/batch_x", "", nil)
	c.As("sk-secret-3").Upload(openaitest.GoodRow)
	_, _ = tryCreate(c.As("sk-secret-4"), "x")
	var got []string
	control := simulator.Control{URL: srv.URL, Client: c.HTTP}
	for r, err := range control.Requests(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Route+" "+r.Path)
		if r.Time.IsZero() || len(r.BodySHA256) != 64 || r.Header["User-Agent"] == "" {
			t.Errorf("%+v", r)
		}
	}
	want := "GET /v1/files /v1/files?purpose=batch|GET /v1/batches/{id} /v1/batches/batch_x|POST /v1/files /v1/files|POST /v1/batches /v1/batches"
	if joined := strings.Join(got, "|"); joined != want {
		t.Errorf("log %s, want %s", joined, want)
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), "sk-secret") {
			t.Errorf("%s holds a key", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheSameBodyHasTheSameHash(t *testing.T) {
	srv, c := openaitest.Start(t, simulator.Config{})
	for _, run := range []string{"x", "x", "y"} {
		if _, err := tryCreate(c, run); err != nil {
			t.Fatal(err)
		}
	}
	var hashes []string
	for r, err := range srv.Requests() {
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, r.BodySHA256)
	}
	if len(hashes) != 3 || hashes[0] != hashes[1] || hashes[1] == hashes[2] {
		t.Errorf("hashes %q", hashes)
	}
}

func TestControlSeesWhatTheSimulatorSees(t *testing.T) {
	srv, c := openaitest.Start(t, simulator.Config{})
	control := simulator.Control{URL: srv.URL, Client: c.HTTP}
	for range 2 {
		c.Await(c.Create(c.Upload(openaitest.Many(20)).ID).ID, "completed")
	}
	here, err := simulator.Tally(srv.Executions(), simulator.AfterTag)
	if err != nil {
		t.Fatal(err)
	}
	there, err := simulator.Tally(control.Executions(t.Context()), simulator.AfterTag)
	if err != nil || len(there) != 20 || there["row-3"] != (simulator.Bill{Executed: 2, Billed: 2}) || here["row-3"] != there["row-3"] {
		t.Errorf("%+v, %v, here %+v", there, err, here)
	}
	batches, err := control.Batches(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(srv.Batches())
	got, _ := json.Marshal(batches)
	if !bytes.Equal(got, want) || len(batches) != 2 || batches[0].Rows != 20 || batches[0].Metadata["run"] != "r1" {
		t.Errorf("batches %s, want %s", got, want)
	}
	control.URL += "/nowhere"
	if _, err := control.Batches(t.Context()); err == nil {
		t.Error("a wrong URL is no error")
	}
}
