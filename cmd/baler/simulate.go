package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/sink/simulator"
)

func newSimulate() *cobra.Command {
	var (
		addr  string
		cfg   simulator.Config
		chaos bool
	)
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Play a batch provider on this machine, without a key or a bill",
		Long: "Play OpenAI's files and batches API on this machine. The simulator keeps its state in\n" +
			"--dir, where it survives a restart. Point a client at the URL that it prints.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if chaos {
				cfg.Faults = chaosFaults()
				cfg.Rows = simulator.RowFaults{ServerError: 0.02, RateLimited: 0.02, Timeout: 0.01}
			}
			server, err := simulator.Start(addr, cfg)
			if err != nil {
				return usage("simulate: %w", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "simulator: %s/v1\n", server.URL)
			return server.Wait(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&addr, "addr", "127.0.0.1:8080", "host and port to listen on")
	f.StringVar(&cfg.Dir, "dir", "", "directory that keeps its state (default: a temporary one)")
	f.StringSliceVar(&cfg.Keys, "key", nil, "API key to accept; may be repeated (default: every key)")
	f.Float64Var(&cfg.Speed, "speed", 1, "seconds on its clock per real second")
	f.DurationVar(&cfg.Latency.Validation, "validation", time.Second, "time that a batch is validating, on its clock")
	f.DurationVar(&cfg.Latency.Processing, "processing", 5*time.Second, "time that a batch is in progress, on its clock")
	f.DurationVar(&cfg.Latency.Finalizing, "finalizing", time.Second, "time that a batch is finalizing, on its clock")
	f.Uint64Var(&cfg.Seed, "seed", 0, "seed of all random choices")
	f.BoolVar(&chaos, "chaos", false, "break connections and fail requests and rows at random")
	return cmd
}

// chaosFaults is a bad day of a provider.
func chaosFaults() []simulator.Fault {
	return []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.ActionResetAfter, Probability: 0.3},
		{Route: "POST /v1/batches", Action: simulator.ActionFail, Status: 429, Probability: 0.1, Header: map[string]string{"Retry-After": "1"}},
		{Route: "GET /v1/files/{id}/content", Action: simulator.ActionTruncate, Probability: 0.2},
		{Action: simulator.ActionFail, Status: 502, Probability: 0.05},
	}
}
