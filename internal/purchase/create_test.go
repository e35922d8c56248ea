package purchase_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/retry"
)

// An interrupted creation may have happened, unless the provider cannot have
// had all of the request.
func TestTheClassOfAnInterruptedCreation(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	cut := retry.Mark(fmt.Errorf("%w: canceled", retry.ErrCutShort), retry.Retryable)
	for name, test := range map[string]struct {
		sent bool
		err  error
		want retry.Class
	}{
		"cut short":         {true, cut, retry.Retryable},
		"not sent":          {false, retry.Mark(errors.New("no route"), retry.Retryable), retry.Retryable},
		"sent":              {true, retry.Mark(errors.New("canceled"), retry.Retryable), retry.Ambiguous},
		"answered":          {true, &retry.Error{Class: retry.Permanent, Status: 400}, retry.Permanent},
		"somebody's answer": {true, context.Canceled, retry.Ambiguous},
	} {
		if got := purchase.CreationClass(ended, test.sent, test.err); got != test.want {
			t.Errorf("%s is %s, want %s", name, got, test.want)
		}
	}
}

func TestACreationThatSendsTheRowsHasTimeForThem(t *testing.T) {
	if d := purchase.CreateTime("file-1", 256_000_000); d != time.Minute {
		t.Errorf("after an upload: %s", d)
	}
	if d := purchase.CreateTime("", 256_000_000); d < time.Hour || d > 2*time.Hour {
		t.Errorf("with the rows: %s", d)
	}
}
