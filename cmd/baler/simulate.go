package main

import (
	"fmt"
	"io"
	"strings"
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
		Long: "Play the APIs of batch providers on this machine: " + strings.Join(simulator.Providers(), ", ") + ". Each is under its\n" +
			"name, as in http://127.0.0.1:8080/openai/v1, and that of --provider also without it. The simulator\n" +
			"keeps its state in --dir, where it survives a restart. Point a client at a URL that it prints.",
		Example: `  baler simulate --addr 127.0.0.1:8080 --processing 30s`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if chaos {
				cfg.Faults = chaosFaults(cfg)
				cfg.Rows = simulator.RowFaults{ServerError: 0.02, RateLimited: 0.02, Timeout: 0.01}
			}
			server, err := simulator.Start(addr, cfg)
			if err != nil {
				return usage("simulate: %w", err)
			}
			printURLs(cmd.OutOrStdout(), server)
			return server.Wait(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&addr, "addr", "127.0.0.1:8080", "host and port to listen on")
	f.StringVar(&cfg.Provider, "provider", "openai", "provider that is also reached without its name in the URL")
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

// printURLs prints the base URL of each provider, after that of the one that is
// reached without its name.
func printURLs(w io.Writer, server *simulator.Server) {
	fmt.Fprintf(w, "simulator: %s\n", server.BaseURL(""))
	for _, name := range simulator.Providers() {
		fmt.Fprintf(w, "%s: %s\n", name, server.BaseURL(name))
	}
}

// chaosFaults is a bad day of all providers.
func chaosFaults(cfg simulator.Config) (faults []simulator.Fault) {
	for _, route := range cfg.Routes() {
		if route.Kind == simulator.RouteCreate {
			faults = append(faults,
				simulator.Fault{Route: route.Name, Action: simulator.ActionResetAfter, Probability: 0.3},
				simulator.Fault{
					Route: route.Name, Action: simulator.ActionFail, Status: 429, Probability: 0.1,
					Header: map[string]string{"Retry-After": "1"},
				})
		}
		if route.Kind == simulator.RouteDownload {
			faults = append(faults, simulator.Fault{Route: route.Name, Action: simulator.ActionTruncate, Probability: 0.2})
		}
	}
	return append(faults, simulator.Fault{Action: simulator.ActionFail, Status: 502, Probability: 0.05})
}
