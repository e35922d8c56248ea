package simulator_test

import (
	"math"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

func TestConfigErrorsNameTheField(t *testing.T) {
	for field, cfg := range map[string]simulator.Config{
		"Speed":                  {Speed: -1},
		"Speed is out of":        {Speed: math.NaN()},
		"Speed is out of range":  {Speed: 1e9},
		"Latency.Validation":     {Latency: simulator.Latency{Validation: -1}},
		"Latency.Processing":     {Latency: simulator.Latency{Processing: -1}},
		"Latency.Finalizing":     {Latency: simulator.Latency{Finalizing: -1}},
		"Latency.Cancelling":     {Latency: simulator.Latency{Cancelling: -1}},
		"Limits.UploadBytes":     {Limits: simulator.Limits{UploadBytes: -1}},
		"Limits.BatchBytes":      {Limits: simulator.Limits{BatchBytes: -1}},
		"Limits.Rows":            {Limits: simulator.Limits{Rows: -1}},
		"Limits.EmbeddingInputs": {Limits: simulator.Limits{EmbeddingInputs: -1}},
		"Limits.EnqueuedTokens":  {Limits: simulator.Limits{EnqueuedTokens: -1}},
		"Config.Rows":            {Rows: simulator.RowFaults{Timeout: -0.1}},
		"add up to 1.2":          {Rows: simulator.RowFaults{BadRequest: 0.6, Refusal: 0.6}},
		"fault 0: field Action":  {Faults: []simulator.Fault{{}}},
	} {
		sim, err := simulator.New(cfg)
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("got %v, want an error about %s", err, field)
		}
		if sim != nil {
			_ = sim.Close()
		}
	}
}

func TestStartReportsAnAddressItCannotUse(t *testing.T) {
	srv, _ := openaitest.Start(t, simulator.Config{})
	for _, addr := range []string{strings.TrimPrefix(srv.URL, "http://"), "nowhere"} {
		if _, err := simulator.Start(addr, simulator.Config{}); err == nil {
			t.Errorf("started on %s", addr)
		}
	}
	if _, err := simulator.Start("", simulator.Config{Speed: -1}); err == nil {
		t.Error("started with a bad Config")
	}
}
