package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestASlowDomainAndBadAddressesHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mails []mail
		for i := range 60 {
			mails = append(mails, mail{To: fmt.Sprintf("a%d@slow.example", i)})
		}
		mails = append(mails, mail{To: "nobody"}, mail{To: "busy@news.example"})
		for i := range 200 {
			mails = append(mails, mail{To: fmt.Sprintf("b%d@news.example", i)})
		}
		start := time.Now()
		var mu sync.Mutex
		times := map[string]int{}          // that a mail was sent
		last := map[string]time.Duration{} // by domain
		send := func(ctx context.Context, mails []mail) ([]error, error) {
			mu.Lock()
			defer mu.Unlock()
			errs, err := postman(ctx, mails)
			for i, m := range mails {
				times[m.To]++
				last[m.domain()] = time.Since(start)
				if m.To == "busy@news.example" && times[m.To] < 3 {
					errs[i] = retry.Mark(errors.New("greylisted"), retry.Retryable)
				}
			}
			return errs, err
		}
		var dead []string
		delivered, err := run(t.Context(), mails, send, func(r retry.Row[mail]) error {
			dead = append(dead, r.Item.To)
			return nil
		})
		if err != nil || delivered != 261 || len(dead) != 1 || dead[0] != "nobody" {
			t.Errorf("%d delivered, dead %v, %v", delivered, dead, err)
		}
		if last["slow.example"] < 29*time.Second || last["news.example"] > 10*time.Second {
			t.Errorf("the last mails were sent after %v", last)
		}
		if times["busy@news.example"] != 3 || times["b1@news.example"] != 1 {
			t.Errorf("sent %d and %d times", times["busy@news.example"], times["b1@news.example"])
		}
	})
}
