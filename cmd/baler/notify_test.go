package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/cmd/baler/internal/notify"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

// notified starts a server that sends on what it gets.
func notified(t *testing.T) (url string, got chan notify.Message) {
	t.Helper()
	got = make(chan notify.Message, 64)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m notify.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil || r.Header.Get(notify.HeaderSignature) == "" {
			t.Errorf("%v, %v", err, r.Header)
		}
		got <- m
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

// A URL and a command hear of the end of a run, before it has ended. That a
// third hears of nothing is a warning.
func TestRunNotifies(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	url, got := notified(t)
	writeFile(t, dir, "in.jsonl", tickets(10)...)
	writeFile(t, dir, "tell.sh", `cat > told.json`)
	writeFile(t, dir, "fail.sh", `exit 4`)
	env := append([]string{"MY_SECRET=whsec_a2V5", "PATH=" + os.Getenv("PATH")}, withKey...)
	args := ask(server, "out.jsonl", "--notify", url, "--notify", "sh tell.sh", "--notify", "sh fail.sh", "--notify-secret-in", "MY_SECRET")
	r := runCommand(t, dir, env, args...)
	if r.code != exitOK || !strings.Contains(r.stderr, `sh did not get the message "ended" of the run "in": exit status 4`) {
		t.Fatalf("%+v", r)
	}
	if m := <-got; m.Event != notify.Ended || m.State != durable.StateCompleted || m.Run != "in" || m.Rows != 10 || m.Succeeded != 10 || len(got) > 0 {
		t.Errorf("%+v, and %d more", m, len(got))
	}
	if lines := readLines(t, filepath.Join(dir, "told.json")); len(lines) != 1 || !strings.Contains(lines[0], `"event":"ended","state":"completed"`) {
		t.Errorf("%q", lines)
	}
}

// So does the pause of a failing run, and a budget that is used up.
func TestRunNotifiesOfTrouble(t *testing.T) {
	t.Parallel()
	url, got := notified(t)
	env := append([]string{"BALER_NOTIFY_SECRET=secret"}, withKey...)
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(200)...)
	failing := startSimulator(t, simulator.Config{Rows: simulator.RowFaults{BadRequest: 1}})
	p := background(t, command(t.Context(), t, dir, env, ask(failing, "out.jsonl", "--max-in-flight", "1", "--notify", url)...))
	if m := <-got; m.Event != notify.Paused || m.State != durable.StatePaused || !strings.Contains(m.Reason, "rows failed") {
		t.Errorf("%+v", m)
	}
	mustCommand(t, dir, "cancel", "in")
	p.end()
	if m := <-got; m.Event != notify.Ended || m.State != durable.StateCancelled {
		t.Errorf("%+v", m)
	}
	server := startSimulator(t, simulator.Config{})
	args := runArgs(server, "in.jsonl", "--out", "cheap.jsonl", "--name", "cheap", "--model", "gpt-5.4-mini", "--prompt", "{{.text}}", "--max-tokens", "100",
		"--budget", "0.000001usd", "--no-cache", "--notify", url)
	if r := runCommand(t, dir, env, args...); r.code != exitResumable {
		t.Fatalf("%+v", r)
	}
	for _, want := range []notify.Kind{notify.Budget, notify.Ended} {
		if m := <-got; m.Event != want || m.State != durable.StateStopped || !strings.Contains(m.Reason, "budget") {
			t.Errorf("%+v, want %s", m, want)
		}
	}
}

func TestNotifyRefusesMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--notify", "http://example.org/canary"}, "must be https"},
		{[]string{"--notify", "no-such-program"}, "no command"},
		{[]string{"--notify", "sh", "--notify-secret-in", "NOT_SET"}, "set that variable"},
	} {
		args := append([]string{"run", "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}"}, test.args...)
		r := runCommand(t, dir, append([]string{"PATH=" + os.Getenv("PATH")}, withKey...), args...)
		if r.code != exitUsage || !strings.Contains(r.stderr, test.want) || strings.Contains(r.stderr, "canary") {
			t.Errorf("%v: %+v", test.args, r)
		}
	}
}
