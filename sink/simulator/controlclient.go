package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"
)

// Control reaches into a Simulator that runs in another process. Its methods
// are those of [Simulator].
type Control struct {
	// URL is where the Simulator listens, as in [Server].
	URL string
	// Client sends the requests. Nil means http.DefaultClient.
	Client *http.Client
}

// Executions yields the billing ledger; see [Simulator.Executions].
func (c Control) Executions(ctx context.Context) iter.Seq2[Execution, error] {
	return fetchLines[Execution](ctx, c, "ledger")
}

// Requests yields the request log; see [Simulator.Requests].
func (c Control) Requests(ctx context.Context) iter.Seq2[Request, error] {
	return fetchLines[Request](ctx, c, "requests")
}

// Batches returns every batch ever created; see [Simulator.Batches].
func (c Control) Batches(ctx context.Context) ([]Batch, error) {
	var batches []Batch
	for b, err := range fetchLines[Batch](ctx, c, "batches") {
		if err != nil {
			return nil, err
		}
		batches = append(batches, b)
	}
	return batches, nil
}

// SetFaults replaces the faults; see [Simulator.SetFaults].
func (c Control) SetFaults(ctx context.Context, faults ...Fault) error {
	if faults == nil {
		faults = []Fault{}
	}
	return c.command(ctx, http.MethodPut, "faults", faults)
}

// SetBlocked replaces the accounts that are blocked; see
// [Simulator.SetBlocked].
func (c Control) SetBlocked(ctx context.Context, blocks ...Block) error {
	if blocks == nil {
		blocks = []Block{}
	}
	return c.command(ctx, http.MethodPut, "blocked", blocks)
}

// Advance moves the simulator's clock; see [Simulator.Advance].
func (c Control) Advance(ctx context.Context, d time.Duration) error {
	return c.command(ctx, http.MethodPost, "clock", advanceRequest{Advance: d})
}

func (c Control) command(ctx context.Context, method, name string, request any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("simulator: encode %s: %w", name, err)
	}
	resp, err := c.do(ctx, method, name, bytes.NewReader(body))
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// do sends a request and returns an answer that is no error.
func (c Control) do(ctx context.Context, method, name string, body io.Reader) (*http.Response, error) {
	client := c.Client
	if client == nil {
		client = http.DefaultClient
	}
	req, err := http.NewRequestWithContext(ctx, method, c.URL+controlPrefix+name, body)
	if err != nil {
		return nil, fmt.Errorf("simulator: control %s: %w", name, err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("simulator: control %s: %w", name, err)
	}
	if resp.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		_ = resp.Body.Close()
		return nil, fmt.Errorf("simulator: control %s: %s: %s", name, resp.Status, bytes.TrimSpace(text))
	}
	return resp, nil
}

func fetchLines[T any](ctx context.Context, c Control, name string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		resp, err := c.do(ctx, http.MethodGet, name, http.NoBody)
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		decodeLines(resp.Body, yield)
	}
}
