// Package hold lets official clients for Go call through flow/intercept.
package hold

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go/v2"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/v2/option"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"google.golang.org/genai"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/intercept"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/interop/go/gotest"
	"github.com/balerhq/baler/sink/simulator"
)

// clients are how the official clients ask, through a client of HTTP.
var clients = map[string]func(*testing.T, *http.Client, *simulator.Server) func(context.Context, string) (string, error){
	"openai": func(_ *testing.T, via *http.Client, srv *simulator.Server) func(context.Context, string) (string, error) {
		client := openai.NewClient(option.WithAPIKey("sk-interop"), option.WithBaseURL(srv.BaseURL("openai")), option.WithHTTPClient(via))
		return func(ctx context.Context, text string) (string, error) {
			chat, err := client.Chat.Completions.New(ctx, openai.ChatCompletionNewParams{
				Model: "gpt-4.1-mini", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)},
			})
			if err != nil {
				return "", err
			}
			return chat.Choices[0].Message.Content, nil
		}
	},
	"anthropic": func(_ *testing.T, via *http.Client, srv *simulator.Server) func(context.Context, string) (string, error) {
		client := anthropic.NewClient(anthropicoption.WithAPIKey("sk-interop"), anthropicoption.WithBaseURL(srv.BaseURL("anthropic")),
			anthropicoption.WithHTTPClient(via), anthropicoption.WithRequestTimeout(24*time.Hour))
		return func(ctx context.Context, text string) (string, error) {
			message, err := client.Messages.New(ctx, anthropic.MessageNewParams{
				Model: "claude-haiku-5.5", MaxTokens: 100, Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(text))},
			})
			if err != nil {
				return "", err
			}
			return message.Content[0].Text, nil
		}
	},
	"gemini": func(t *testing.T, via *http.Client, srv *simulator.Server) func(context.Context, string) (string, error) {
		t.Helper()
		client, err := genai.NewClient(t.Context(), &genai.ClientConfig{
			APIKey: "sk-interop", Backend: genai.BackendGeminiAPI, HTTPClient: via, HTTPOptions: genai.HTTPOptions{BaseURL: srv.BaseURL("gemini")},
		})
		if err != nil {
			t.Fatal(err)
		}
		return func(ctx context.Context, text string) (string, error) {
			reply, err := client.Models.GenerateContent(ctx, "gemini-3-flash", genai.Text(text), nil)
			if err != nil {
				return "", err
			}
			return reply.Text(), nil
		}
	},
}

// A hundred calls at once are two batches, and each is paid for once.
func TestCallsAreRows(t *testing.T) {
	for name, connect := range clients {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := gotest.Start(t, simulator.Config{Latency: simulator.Latency{Processing: 200 * time.Millisecond}})
			dir, err := durable.Open(filepath.Join(t.TempDir(), "state"))
			if err != nil {
				t.Fatal(err)
			}
			quiet := slog.New(slog.DiscardHandler)
			calls, err := intercept.New(intercept.Config{
				Dir: dir.With(state.Config{Log: quiet}), All: true, Poll: 20 * time.Millisecond, Window: time.Second, Log: quiet,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := calls.Close(); err != nil {
					t.Error(err)
				}
			}()
			ask := connect(t, &http.Client{Transport: calls}, srv)
			var all sync.WaitGroup
			for n := range 100 {
				all.Go(func() {
					text := fmt.Sprintf("ticket %d", n)
					if got, err := ask(t.Context(), text); got != "general: "+text || err != nil {
						t.Errorf("%q, %v", got, err)
					}
				})
			}
			all.Wait()
			rows := 0
			for e, err := range srv.Executions() {
				if err != nil || e.Live {
					t.Errorf("%+v, %v", e, err)
				}
				rows++
			}
			if rows != 100 || len(srv.Batches()) > 4 {
				t.Errorf("%d rows in %d batches", rows, len(srv.Batches()))
			}
			if s := calls.Stats(); s.Passed != 0 {
				t.Errorf("%+v", s)
			}
			began := time.Now()
			_, err = ask(t.Context(), "[[400]]")
			if isRefused := statusOf(err) == http.StatusBadRequest; !isRefused {
				t.Errorf("%v after %s", err, time.Since(began))
			}
		})
	}
}

// statusOf returns the status of an error of an official client.
func statusOf(err error) int {
	if e, is := errors.AsType[*openai.Error](err); is {
		return e.StatusCode
	}
	if e, is := errors.AsType[*anthropic.Error](err); is {
		return e.StatusCode
	}
	if e, is := errors.AsType[genai.APIError](err); is {
		return e.Code
	}
	return 0
}

// The ten minutes of anthropic-sdk-go are told before anything is bought.
func TestADeadlineIsToldAtOnce(t *testing.T) {
	srv := gotest.Start(t, simulator.Config{})
	dir, err := durable.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	calls, err := intercept.New(intercept.Config{Dir: dir.With(state.Config{Log: quiet}), All: true, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer calls.Close()
	client := anthropic.NewClient(anthropicoption.WithAPIKey("sk-interop"), anthropicoption.WithBaseURL(srv.BaseURL("anthropic")),
		anthropicoption.WithHTTPClient(&http.Client{Transport: calls}), anthropicoption.WithMaxRetries(0))
	_, err = client.Messages.New(t.Context(), anthropic.MessageNewParams{
		Model: "claude-haiku-5.5", MaxTokens: 100, Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("hello"))},
	})
	if _, is := errors.AsType[*intercept.DeadlineError](err); !is {
		t.Error(err)
	}
	if n := len(srv.Batches()); n != 0 {
		t.Errorf("%d batches", n)
	}
}
