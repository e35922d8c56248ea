package sink_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

func TestConfigNamesEveryFieldThatMakesNoSense(t *testing.T) {
	if err := (sink.Config{}).Validate(); err != nil {
		t.Error(err)
	}
	bad := sink.Config{InFlight: -1, Attempts: -1, Poll: -1, Grace: -1, Retry: retry.Policy{Delay: -1}}
	err := bad.Validate()
	for _, field := range []string{"InFlight", "Attempts", "Poll", "Grace", "Retry"} {
		if err == nil || !strings.Contains(err.Error(), "Config."+field) {
			t.Errorf("%s is not named: %v", field, err)
		}
	}
	run := sink.FromSlices(nil, raw("{}"), bad).Run(t.Context(), nil, nil)
	if run == nil || run.Error() != err.Error() {
		t.Errorf("Run says %v", run)
	}
}

func TestRowErrorHasAClass(t *testing.T) {
	for _, class := range []retry.Class{retry.Retryable, retry.Permanent, retry.Blocked, retry.Ambiguous} {
		err := fmt.Errorf("wrapped: %w", &sink.RowError{Class: class, Code: "c", Message: "m"})
		if got := retry.ClassOf(err); got != class {
			t.Errorf("class is %s, want %s", got, class)
		}
		var row *sink.RowError
		if !errors.As(err, &row) || row.Error() != "c: m" {
			t.Errorf("%v", row)
		}
	}
	if text := (&sink.RowError{Message: "m"}).Error(); text != "m" {
		t.Error(text)
	}
}
