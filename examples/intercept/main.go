// Intercept is a program that makes its calls one by one, as programs do, and
// pays the price of batches: its http.Client has another transport, and nothing
// else is different. An SDK takes such a client, too.
//
// The provider is a simulator in this process.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/intercept"
	"github.com/balerhq/baler/sink/simulator"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, w io.Writer) (err error) {
	server, err := simulator.Start("", simulator.Config{})
	if err != nil {
		return err
	}
	defer server.Close()
	path, err := os.MkdirTemp("", "baler-intercept-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(path)

	dir, err := durable.Open(filepath.Join(path, "calls.state"))
	if err != nil {
		return err
	}
	calls, err := intercept.New(intercept.Config{Dir: dir, All: true, Window: 200 * time.Millisecond, Poll: 20 * time.Millisecond})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, calls.Close()) }()
	client := &http.Client{Transport: calls}

	for range 2 { // the second time, all answers are there
		var all sync.WaitGroup
		failed := make(chan error, 60)
		for n := range 60 {
			all.Go(func() {
				if _, err := ask(ctx, client, server.BaseURL("openai"), fmt.Sprintf("invoice %d was charged twice", n)); err != nil {
					failed <- err
				}
			})
		}
		all.Wait()
		close(failed)
		for err := range failed {
			return err
		}
	}
	s := calls.Stats()
	fmt.Fprintf(w, "%d calls, %d answered at once, %d rows bought\n", s.Calls, s.Hits, s.Rows)
	answer, err := ask(ctx, client, server.BaseURL("openai"), "invoice 7 was charged twice")
	fmt.Fprintln(w, answer)
	return err
}

// ask is a function as any program has it.
func ask(ctx context.Context, client *http.Client, baseURL, text string) (string, error) {
	body := fmt.Sprintf(`{"model":"gpt-5.4-mini","messages":[{"role":"user","content":%q}]}`, text)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, baseURL+"/chat/completions", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer sk-example")
	r.Header.Set("Content-Type", "application/json")
	reply, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer reply.Body.Close()
	var chat struct {
		Choices []struct {
			Message struct {
				Content string `json:"content"`
			} `json:"message"`
		} `json:"choices"`
	}
	if err := json.NewDecoder(reply.Body).Decode(&chat); err != nil {
		return "", err
	}
	if len(chat.Choices) == 0 {
		return "", fmt.Errorf("no answer: %s", reply.Status)
	}
	return chat.Choices[0].Message.Content, nil
}
