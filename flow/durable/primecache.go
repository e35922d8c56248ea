package durable

import "errors"

// These are the limits of Job.PrimeCache.
const (
	// LeastPrimed is how many items must share a beginning: from so many on,
	// writing it to a cache at twice its price, and reading it at a tenth, costs
	// less than asking without.
	LeastPrimed = 3
	// mostPrefixes bounds how many different beginnings are looked at, which
	// take about 60 bytes of memory each.
	mostPrefixes = 200_000
)

func (j *Job[T]) validatePrimeCache() error {
	switch q := j.line(); {
	case !j.PrimeCache:
		return nil
	case !j.ReadAll:
		return errors.New("durable: Job.PrimeCache needs Job.ReadAll, because only all items show which of them share a beginning")
	case q.sorted():
		return errors.New("durable: Job.PrimeCache needs the order of priorities: leave out Job.Deadline, and Order, TenantLimit and TenantBatches of Job.Queue")
	}
	return nil
}
