package main

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// Results that are kept for a time are shown, and go when it is over.
func TestResultsAreKeptForATime(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	run := func(keep string) result {
		return runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", keep)...)
	}
	sweep := []string{"doctor", "--sweep", "--base-url", server.URL + "/v1"}
	writeFile(t, dir, "in.jsonl", tickets(30)...)
	if r := run("--keep-remote=tomorrow"); r.code != exitUsage || !strings.Contains(r.stderr, "72h") {
		t.Errorf("%+v", r)
	}
	if r := run("--keep-remote=72h"); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, sweep...); r.code != exitOK || strings.Contains(r.stdout, "removed") {
		t.Errorf("too early: %+v", r)
	}
	if r := runCommand(t, dir, nil, "status"); !r.says("at provider 0 uploads, results of 1 batch (") {
		t.Errorf("%+v", r)
	}
	if r := run("--keep-remote=1ns"); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, dir, nil, "status"); r.says("at provider") {
		t.Errorf("%+v", r)
	}
}

// The doctor removes what a run has left behind.
func TestDoctorSweepsWhatIsLeft(t *testing.T) {
	failing := simulator.Fault{Route: "DELETE /v1/files/{id}", Times: -1, Action: simulator.ActionFail, Status: 403}
	server, dir := startSimulator(t, simulator.Config{Faults: []simulator.Fault{failing}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(30)...)
	r := runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")...)
	if r.code != exitOK || !strings.Contains(r.stderr, "doctor --sweep") {
		t.Fatalf("%+v", r)
	}
	sweep := []string{"doctor", "--sweep", "--base-url", server.URL + "/v1"}
	if r := runCommand(t, dir, withKey, sweep...); r.code != exitFailed || !r.says("left at the provider") {
		t.Errorf("%+v", r)
	}
	if err := server.SetFaults(); err != nil {
		t.Fatal(err)
	}
	if r := runCommand(t, dir, withKey, sweep...); r.code != exitOK || !r.says("the files of 1 batch are removed") || !r.says("all is well") {
		t.Errorf("%+v", r)
	}
}

// Where nothing is uploaded, the doctor removes the batches of runs.
func TestDoctorSweepsWithoutUploads(t *testing.T) {
	failing := simulator.Fault{Route: "DELETE /anthropic/v1/messages/batches/{id}", Times: -1, Action: simulator.ActionFail, Status: 403}
	server, dir := startSimulator(t, simulator.Config{Faults: []simulator.Fault{failing}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(30)...)
	key, url := []string{"ANTHROPIC_API_KEY=sk-test"}, server.URL+"/anthropic"
	run := []string{"run", "in.jsonl", "--out", "out.jsonl", "--model", "claude-m", "--prompt", "{{.text}}", "--poll", "5ms", "--base-url", url}
	if r := runCommand(t, dir, key, run...); r.code != exitOK || !strings.Contains(r.stderr, "doctor --sweep") {
		t.Fatalf("%+v", r)
	}
	if err := server.SetFaults(); err != nil {
		t.Fatal(err)
	}
	r := runCommand(t, dir, key, "doctor", "--sweep", "--base-url", url)
	if r.code != exitOK || !r.says("the files of 1 batch are removed") || !r.says("all is well") {
		t.Errorf("%+v", r)
	}
}

// A run with routes at two providers has files at both.
func TestDoctorSweepsAllProvidersOfARun(t *testing.T) {
	failing := func(route string) simulator.Fault {
		return simulator.Fault{Route: route, Times: -1, Action: simulator.ActionFail, Status: 403}
	}
	server, dir := startSimulator(t, simulator.Config{Faults: []simulator.Fault{
		failing("DELETE /v1/files/{id}"), failing("DELETE /anthropic/v1/messages/batches/{id}"),
	}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(30)...)
	env := []string{
		withKey[0], "OPENAI_BASE_URL=" + server.URL + "/v1", "ANTHROPIC_API_KEY=sk-test", "ANTHROPIC_BASE_URL=" + server.URL + "/anthropic",
	}
	r := runCommand(t, dir, env, "run", "in.jsonl", "--out", "out.jsonl", "--prompt", "{{.text}}", "--poll", "5ms",
		"--route", "openai/gpt-m", "--route", "anthropic/claude-m", "--choose", "round-robin")
	if r.code != exitOK || !strings.Contains(r.stderr, "doctor --sweep") {
		t.Fatalf("%+v", r)
	}
	if err := server.SetFaults(); err != nil {
		t.Fatal(err)
	}
	if r := runCommand(t, dir, env[:2], "doctor", "--sweep"); r.code != exitFailed || !r.says("of anthropic, which was not asked") {
		t.Errorf("without a key: %+v", r)
	}
	if r := runCommand(t, dir, env, "doctor", "--sweep"); r.code != exitOK || !r.says("the files of 1 batch are removed") || !r.says("all is well") {
		t.Errorf("%+v", r)
	}
}

// The doctor lists files of rows that no run knows, and removes them.
func TestDoctorSweepsFilesOfRows(t *testing.T) {
	list := `{"object":"list","data":[{"id":"file-lost","object":"file","bytes":5,"created_at":1700000000,"purpose":"user_data",` +
		`"filename":"ABCDEFG-0123456789abcdef01234567-a.pdf"}],"has_more":false}`
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	if r := runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	if err := server.SetFaults(simulator.Fault{Route: "GET /v1/files", Times: -1, Action: simulator.ActionReplace, Body: list}); err != nil {
		t.Fatal(err)
	}
	const what = "file of rows that no run knows: file-lost ABCDEFG-0123456789abcdef01234567-a.pdf, 5 B"
	for flag, fate := range map[string]string{"--orphans": "remove it with --sweep", "--sweep": "removed"} {
		r := runCommand(t, dir, withKey, "doctor", flag, "--provider", "openai", "--base-url", server.URL+"/v1")
		if r.code != exitOK || !strings.Contains(r.stdout, what) || !strings.Contains(r.stdout, "; "+fate) {
			t.Errorf("%s: %+v", flag, r)
		}
	}
	if r := runCommand(t, dir, withKey, "doctor", "--orphans", "--provider", "openai", "--base-url", server.URL+"/v1", "--json"); !strings.Contains(r.stdout, `"file":"file-lost"`) {
		t.Errorf("%+v", r)
	}
}

// Runs that began at several providers are swept at each whose key is set, and
// the others are told.
func TestDoctorSweepsTheProvidersOfAllRuns(t *testing.T) {
	t.Parallel()
	failing := func(route string) simulator.Fault {
		return simulator.Fault{Route: route, Times: -1, Action: simulator.ActionFail, Status: 403}
	}
	server, dir := startSimulator(t, simulator.Config{Faults: []simulator.Fault{
		failing("DELETE /v1/files/{id}"), failing("DELETE /anthropic/v1/messages/batches/{id}"),
	}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	env := []string{
		withKey[0], "OPENAI_BASE_URL=" + server.URL + "/v1", "ANTHROPIC_BASE_URL=" + server.URL + "/anthropic", "ANTHROPIC_API_KEY=sk-test",
	}
	for provider, model := range map[string]string{"openai": "gpt-m", "anthropic": "claude-m"} {
		r := runCommand(t, dir, env, "run", "in.jsonl", "--out", provider+".jsonl", "--name", provider, "--provider", provider, "--model", model, "--prompt", "{{.text}}", "--poll", "5ms")
		if r.code != exitOK || !strings.Contains(r.stderr, "doctor --sweep") {
			t.Fatalf("%+v", r)
		}
	}
	if err := server.SetFaults(); err != nil {
		t.Fatal(err)
	}
	if r := runCommand(t, dir, nil, "doctor", "--sweep"); r.code != exitUsage || !strings.Contains(r.stderr, "ANTHROPIC_API_KEY") || !strings.Contains(r.stderr, keyVariable) {
		t.Errorf("without a key: %+v", r)
	}
	if r := runCommand(t, dir, env, "doctor", "--orphans"); r.code != exitUsage || !strings.Contains(r.stderr, "name the --provider") {
		t.Errorf("orphans: %+v", r)
	}
	r := runCommand(t, dir, env[:3], "doctor", "--sweep")
	if r.code != exitFailed || !r.says("openai: the files of 1 batch are removed") || !r.says("anthropic stores files of runs and was not asked, as ANTHROPIC_API_KEY is not set") {
		t.Errorf("with one key: %+v", r)
	}
	if r := runCommand(t, dir, env, "doctor", "--sweep"); r.code != exitOK || !r.says("anthropic: the files of 1 batch are removed") || !r.says("all is well") {
		t.Errorf("with both: %+v", r)
	}
}
