package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/cenkalti/backoff/v4"

	"github.com/balerhq/baler/retry"
)

// BenchmarkRetryDo is what a call pays that succeeds at once, as nearly all do.
func BenchmarkRetryDo(b *testing.B) {
	b.Run("baler", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := (retry.Policy{}).Do(b.Context(), func(context.Context) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("backoff", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			schedule := backoff.WithContext(backoff.WithMaxRetries(backoff.NewExponentialBackOff(), 3), b.Context())
			if err := backoff.Retry(func() error { return nil }, schedule); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRetryHTTP reads a provider's error, once per failed call or row.
func BenchmarkRetryHTTP(b *testing.B) {
	header := http.Header{"Retry-After": {"20"}, "X-Request-Id": {"req_1"}}
	body := []byte(`{"error":{"message":"Rate limit reached for gpt-5.4-mini","type":"requests","param":null,"code":"rate_limit_exceeded"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if retry.HTTP(retry.EffectCreate, http.StatusTooManyRequests, header, body) == nil {
			b.Fatal("no error")
		}
	}
}

// BenchmarkRetryClassOf looks through three layers of wrapping.
func BenchmarkRetryClassOf(b *testing.B) {
	err := retry.Mark(errors.New("busy"), retry.Retryable)
	for range 3 {
		err = fmt.Errorf("layer: %w", err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if retry.ClassOf(err) != retry.Retryable {
			b.Fatal("lost")
		}
	}
}

// BenchmarkRetryGuard counts one outcome in its model, its provider and the
// run: the price per row of a failure guard.
func BenchmarkRetryGuard(b *testing.B) {
	g, err := retry.NewGuard(retry.GuardConfig{})
	if err != nil {
		b.Fatal(err)
	}
	scope := retry.Scope{Provider: "openai", Model: "gpt-5.4-mini"}
	b.ReportAllocs()
	for b.Loop() {
		g.Record(scope, nil)
	}
}

// BenchmarkRetryBatch sends 1000 rows of which 10 go again. Per row.
func BenchmarkRetryBatch(b *testing.B) {
	rows := retry.Rows(make([]int, 1000))
	busy := retry.Mark(errors.New("busy"), retry.Retryable)
	b.ReportAllocs()
	for b.Loop() {
		_, err := retry.DoBatch(b.Context(), retry.Policy{Delay: 1}, rows,
			func(_ context.Context, rows []retry.Row[int]) ([]error, error) {
				errs := make([]error, len(rows))
				for i := range rows {
					if rows[i].Attempts == 0 && i < 10 {
						errs[i] = busy
					}
				}
				return errs, nil
			}, func(retry.Row[int]) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/item")
}
