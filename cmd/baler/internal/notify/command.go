package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/balerhq/baler/internal/printable"
)

// These bound a command.
const (
	commandTimeout = 20 * time.Second
	killWait       = time.Second // for what it has started, once it was killed
	maxSaid        = 500         // bytes of what it prints
)

// command is a program that gets messages on standard input.
type command struct {
	path string
	args []string
}

func (c *command) run(ctx context.Context, m Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	var said head
	cmd := exec.CommandContext(ctx, c.path, c.args...) //nolint:gosec // it is what the user wants
	cmd.WaitDelay = killWait
	cmd.Env = append(os.Environ(),
		"BALER_NOTIFY_EVENT="+string(m.Event), "BALER_NOTIFY_RUN="+m.Run, "BALER_NOTIFY_STATE="+string(m.State), "BALER_NOTIFY_REASON="+m.Reason)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(append(body, '\n')), &said, &said
	err = cmd.Run()
	switch text := printable.Line(strings.TrimSpace(string(said)), maxSaid); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("it was killed, as it takes too long: %w", err)
	case text != "":
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}

// head keeps the beginning of what is written to it.
type head []byte

// Write implements io.Writer.
func (h *head) Write(p []byte) (int, error) {
	*h = append(*h, p[:min(len(p), maxSaid-len(*h))]...)
	return len(p), nil
}
