// Mail sends many mails through a server that takes a hundred at a time: to
// each domain no faster than it likes, again what failed for now, and to a file
// what cannot be delivered. The server is in this process.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/call"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
)

type mail struct{ To, Text string }

func (m mail) domain() string {
	_, domain, _ := strings.Cut(m.To, "@")
	return domain
}

// perDomain is what receivers like.
func perDomain(domain string) ratelimit.Config {
	if domain == "slow.example" {
		return ratelimit.Per(2, time.Second)
	}
	return ratelimit.Per(1000, time.Second)
}

// run sends mails and returns how many were delivered. When ctx is done it takes
// no more, and what is on its way has a minute.
func run(ctx context.Context, mails []mail, send func(context.Context, []mail) ([]error, error), dead func(retry.Row[mail]) error) (delivered int, err error) {
	server, err := call.New(call.Config{Name: "smtp", Rate: ratelimit.Config{Requests: 600, Slots: 4}})
	if err != nil {
		return 0, err
	}
	paced := ratelimit.PaceBy(mail.domain, ratelimit.PaceConfig[mail]{Limits: perDomain, MaxQueued: 10_000})
	p := flow.New(ctx, flow.WithDrain(time.Minute))
	// A domain that is slow keeps none of the others waiting.
	ready := flow.Via(p, flow.From(p, slices.Values(mails)), paced)
	batches := flow.Via(p, ready, accumulator.New[mail](accumulator.Config{MaxItems: 100, MaxWait: 500 * time.Millisecond}))
	// Only the mails of a batch that failed are sent again.
	sent := flow.Via(p, batches, flow.Parallel(call.Batches(server, send, dead), flow.Concurrency{Workers: 4}))
	flow.To(p, sent, func(_ context.Context, row retry.Row[mail]) error {
		if row.Err == nil {
			delivered++
		}
		return nil
	})
	err = p.Wait()
	return delivered, err
}

// postman delivers what has an address.
func postman(_ context.Context, mails []mail) ([]error, error) {
	errs := make([]error, len(mails))
	for i, m := range mails {
		if m.domain() == "" {
			errs[i] = retry.Mark(errors.New("no such address"), retry.Permanent)
		}
	}
	return errs, nil
}

func main() {
	mails := []mail{{"nobody", "Hello?"}}
	for i := range 500 {
		mails = append(mails, mail{fmt.Sprintf("reader%d@news.example", i), "News!"})
	}
	dead := retry.NewDeadLetters[mail](os.Stderr)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	delivered, err := run(ctx, mails, postman, dead.Write)
	stop()
	fmt.Println(delivered, "of", len(mails), "mails delivered")
	if err != nil {
		log.Fatal(err)
	}
}
