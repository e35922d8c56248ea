package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/cmd/baler/internal/notify"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
)

// notifying is who is told what matters about a run.
type notifying struct {
	targets  []string
	secretIn string // the variable with the secret

	parsed []*notify.Target
}

// defaultSecretIn is the variable that has the secret if the flag names none.
const defaultSecretIn = "BALER_NOTIFY_SECRET"

func (n *notifying) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&n.targets, "notify", nil, "URL (https, or http of this machine) that gets a POST, or command without a shell that gets the same JSON on standard input, when the run ends, is paused because rows fail, has many failing rows, reaches its budget, or does not get on for ten minutes; may be given several times")
	f.StringVar(&n.secretIn, "notify-secret-in", defaultSecretIn, "environment variable with the secret that signs the calls of --notify, as Standard Webhooks says")
}

// validate reads the targets.
func (n *notifying) validate(given func(flag string) bool) error {
	secret := os.Getenv(n.secretIn)
	if given("notify-secret-in") && (secret == "" || len(n.targets) == 0) {
		return usage("--notify-secret-in is %q: give a --notify, and set that variable to the secret", n.secretIn)
	}
	n.parsed = nil
	for _, text := range n.targets {
		t, err := notify.Parse(text, secret)
		if err != nil {
			return usage("--notify: %w", err)
		}
		n.parsed = append(n.parsed, t)
	}
	return nil
}

// attach lets a job notify until end is called.
func (n *notifying) attach(ctx context.Context, job *durable.Job[source.Row], tell func(string)) (end func()) {
	if len(n.parsed) == 0 {
		return func() {}
	}
	to := notify.Start(ctx, n.parsed, func(text string) { tell("baler: --notify: " + plain(text)) })
	before := job.Progress
	job.Progress = func(p durable.Progress) {
		to.Progress(p)
		if before != nil {
			before(p)
		}
	}
	job.AlsoObserve(to.Observe)
	return to.Close
}
