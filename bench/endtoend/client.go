package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/balerhq/baler/bench/floor"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
)

// The contestants.
const (
	byHand      = "floor"
	library     = "library"
	commandLine = "baler run"
	anyProgram  = "program"
)

var contestants = map[string]func(context.Context) (measurement, error){
	byHand: runByHand, library: runLibrary, commandLine: runCommand, anyProgram: runProgram,
}

// beClient runs the job and prints what it took.
func beClient(ctx context.Context) error {
	if *profile != "" && *as != commandLine {
		f, err := os.Create(*profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if *most > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *most)
		defer cancel()
	}
	if *heap != "" && *as != commandLine {
		stop := profileHeap(*heap)
		defer stop()
	}
	run, known := contestants[*as]
	if !known {
		return fmt.Errorf("no contestant %q", *as)
	}
	m, err := run(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}

// These raise limits that are meant for a provider, since the simulator has none.
const (
	manyCalls   = 20_000 // of a kind in a second
	manyBatches = 1000   // open at a time
)

func inWork(name string) string { return filepath.Join(*dir, name) }

// measured runs a job in this process.
func measured(job func() error) (m measurement, err error) {
	began := time.Now()
	if err := job(); err != nil {
		return m, err
	}
	m.Run = time.Since(began)
	if m.CPU, err = ownCPU(); err != nil {
		return m, err
	}
	m.PeakRSS, err = peakRSS()
	return m, err
}

func runByHand(ctx context.Context) (measurement, error) {
	cfg := floor.Config{
		URL: *client, Key: apiKey, Model: model, Batch: *batch, Poll: poll,
		In: inWork("in.jsonl"), Out: inWork("out.jsonl"),
	}
	if *schema {
		var err error
		if cfg.Format, err = format(); err != nil {
			return measurement{}, err
		}
		cfg.Read = func(answer []byte) error {
			var s sorted
			return json.Unmarshal(answer, &s)
		}
	}
	return measured(func() error {
		counts, err := floor.Run(ctx, cfg)
		if err == nil && counts.Failed > 0 {
			err = fmt.Errorf("not all rows succeeded: %+v", counts)
		}
		return err
	})
}

// format is how the library asks for a sorted ticket, so that the requests and
// the answers of all have as many bytes.
func format() (json.RawMessage, error) {
	asked, err := llm.JSON[sorted]().Schema()
	if err != nil {
		return nil, err
	}
	body, err := new(openai.Codec).Encode(model, llm.Chat{Messages: llm.Ask("").Messages, Schema: asked})
	if err != nil {
		return nil, err
	}
	var request struct {
		Format json.RawMessage `json:"response_format"`
	}
	err = json.Unmarshal(body, &request)
	return request.Format, err
}

// runLibrary runs the job, and once more when it is done.
func runLibrary(ctx context.Context) (measurement, error) {
	m, err := measured(func() error { return runJob(ctx) })
	if err != nil {
		return m, err
	}
	began := time.Now()
	if err := runJob(ctx); err != nil {
		return m, err
	}
	m.Resume = time.Since(began)
	m.State, err = stateSize(inWork("state"))
	return m, err
}

// sorted is what -schema asks about a ticket.
type sorted struct {
	Reason   string   `json:"reason"`
	Urgent   bool     `json:"urgent"`
	Products []string `json:"products"`
	Refund   float64  `json:"refund,omitempty"`
	Customer struct {
		Name string `json:"name"`
		Age  int    `json:"age"`
	} `json:"customer"`
}

func runJob(ctx context.Context) error {
	provider, err := openai.New(apiKey, openai.Config{BaseURL: *client, Calls: sink.EvenCalls(manyCalls)})
	if err != nil {
		return err
	}
	dir, err := durable.Open(inWork("state"))
	if err != nil {
		return err
	}
	out, err := durable.Lines(inWork("out.jsonl"))
	if err != nil {
		return err
	}
	defer out.Close()
	type ticket struct {
		ID   string `json:"id"`
		Text string `json:"text"`
	}
	var answer llm.Answer
	if *schema {
		answer = llm.JSON[sorted]()
	}
	report, err := durable.Run(ctx, durable.Job[ticket]{
		Name:     "endtoend",
		Source:   source.JSONL[ticket](inWork("in.jsonl")),
		Key:      func(t ticket) string { return t.ID },
		Prompt:   func(t ticket) (llm.Chat, error) { return llm.Ask(prompt + t.Text), nil },
		Answer:   answer,
		Provider: provider,
		Model:    model,
		Batch:    durable.BatchLimits{MaxItems: *batch},
		Creates:  durable.Rate{Requests: 60 * manyCalls, Per: time.Minute},
		Polls:    durable.Rate{Requests: 60 * manyCalls, Per: time.Minute},
		Poll:     poll,

		MaxInFlight: manyBatches, Transfers: *transfers, PollsAtOnce: *transfers,
		Dir:    dir,
		Output: out,
		Log:    slog.New(slog.DiscardHandler),
	})
	if err == nil && (!report.Finished || report.Failed > 0) {
		err = fmt.Errorf("not all rows succeeded: %+v", report)
	}
	return err
}

// runCommand runs the job in a process of its own, and measures that.
func runCommand(ctx context.Context) (m measurement, err error) {
	cmd := exec.CommandContext(ctx, *command, "run", inWork("in.jsonl"), "--out", inWork("out.jsonl"),
		"--state", inWork("state"), "--base-url", *client, "--model", model, "--prompt", prompt+"{{.text}}",
		"--batch-size", strconv.Itoa(*batch), "--poll", poll.String(),
		"--max-in-flight", strconv.Itoa(manyBatches), "--transfers", strconv.Itoa(*transfers), "--creates-per-hour", strconv.Itoa(3600*manyCalls))
	for _, kind := range []string{"uploads", "downloads", "polls", "deletes"} {
		cmd.Args = append(cmd.Args, "--"+kind+"-per-second", strconv.Itoa(manyCalls))
	}
	if *schema {
		asked, err := llm.JSON[sorted]().Schema()
		if err != nil {
			return m, err
		}
		if err := os.WriteFile(inWork("schema.json"), asked.JSON, 0o600); err != nil {
			return m, err
		}
		cmd.Args = append(cmd.Args, "--schema", inWork("schema.json"))
	}
	cmd.Env = append(os.Environ(), "OPENAI_API_KEY="+apiKey, "BALER_CPUPROFILE="+*profile)
	if m, err = measuredCommand(ctx, cmd); err == nil {
		m.State, err = stateSize(inWork("state"))
	}
	return m, err
}

// runProgram runs the job by any other program.
func runProgram(ctx context.Context) (m measurement, err error) {
	state := inWork("state")
	if err := os.Mkdir(state, 0o700); err != nil {
		return m, err
	}
	args := append(strings.Fields(*command), *client, inWork("in.jsonl"), inWork("out.jsonl"), state, strconv.Itoa(*batch))
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "HOME="+state)
	return measuredCommand(ctx, cmd)
}

// measuredCommand runs a job in another process.
func measuredCommand(ctx context.Context, cmd *exec.Cmd) (m measurement, err error) {
	began := time.Now()
	printed, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return m, fmt.Errorf("not done in %s", *most)
	case err != nil:
		return m, fmt.Errorf("%w: %s", err, printed)
	}
	m.Run = time.Since(began)
	m.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	m.PeakRSS = peakOf(cmd.ProcessState)
	return m, nil
}

// peakRSS is what Linux has seen this process use at most. The figure that
// getrusage has for it counts the process that started this one.
func peakRSS() (int64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); fields[0] == "VmHWM:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("no VmHWM in /proc/self/status")
}

// stateSize sums the files that are neither requests nor results, as they take
// room on the disk.
func stateSize(root string) (total int64, err error) {
	err = filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "requests" || d.Name() == "results") {
			if err == nil {
				return filepath.SkipDir
			}
			return err
		}
		if d.Type().IsRegular() {
			info, err := d.Info()
			if err != nil {
				return err
			}
			total += blocks(info)
		}
		return nil
	})
	return total, err
}
