package durable

import (
	"fmt"

	"github.com/balerhq/baler/retry"
)

// advise tells what to do about an error that somebody has to act on.
func advise(err error) error {
	if retry.ClassOf(err) != retry.Blocked {
		return err
	}
	return fmt.Errorf("%w: nothing more is sent until somebody sees to the key, "+
		"the quota or the billing of the account: then run the job again", err)
}
