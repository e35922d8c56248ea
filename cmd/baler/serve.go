package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/intercept"
)

func newServe() *cobra.Command {
	var p proxyFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Make batches of the calls that programs make with their SDKs",
		Long: "Make batches of the calls that programs make with their own SDKs, at half the price. Set the base\n" +
			"URL of an SDK to one that is printed. Each call is held until its batch has ended, and gets the\n" +
			"provider's answer. So make many at a time. What cannot be in a batch passes through.\n\n" +
			"The keys of callers are used while the proxy runs, and never stored. Rows that were asked with a key\n" +
			"wait after a restart, until a call brings it or it is in the environment.\n\n" +
			"A call that is made again gets the same answer, for 30 days. The header x-baler-sample: 2 asks for\n" +
			"another one; x-baler-priority, x-baler-deadline, x-baler-tenant and x-baler-run say more about a\n" +
			"call, and x-baler-live: true passes it through. So does --live-within for calls whose x-baler-deadline\n" +
			"is near, unless they are answered or bought already. A batch that has not ended when half of that is\n" +
			"left is cancelled, and those of its calls that did not run are asked live. Batches of calls with\n" +
			"deadlines have no others.\n\n" +
			"Programs that make batches themselves keep their code, too. With --route, files and batches of\n" +
			"OpenAI's API and message batches of Anthropic's are answered here: each batch is a run of the state\n" +
			"directory, is split as its route needs it and survives a restart, and its answers come back in the\n" +
			"words of the program's API, with the route's model in them. The keys of programs only tell them\n" +
			"apart: what one has made, the others do not see. Without --route such calls pass through.",
		Example: `  baler serve --batch-size 200 --batch-window 5s
  baler serve --route anthropic/claude-haiku-5.5`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			x, err := p.start(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			for _, s := range intercept.Services() {
				name := s.Variable
				if name == "" {
					name = s.Name
				}
				fmt.Fprintf(w, "%s=%s%s\n", name, x.url(), s.Path)
			}
			select {
			case <-cmd.Context().Done():
			case err := <-x.served:
				x.served <- err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "baler: %s\n", x.calls.Stats())
			return x.close()
		},
	}
	p.register(cmd, "127.0.0.1:4747")
	return cmd
}
