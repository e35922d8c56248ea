package ready

import (
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/queue"
)

// Order is the order in which entries are loaded, over all that wait.
type Order struct {
	// Policy decides which entry leaves next.
	Policy queue.Policy[Waiter]
	// Config is that of the policy. Its capacity does not count.
	Config queue.Config
	// Tenant returns the tenant of a target, for the limits.
	Tenant func(target int) string
	// Limit is how many entries of a tenant may be on their way: loaded, and in
	// no batch that is done. Zero means any number.
	Limit int
	// Batches is how many open batches may have entries of a tenant. Zero means
	// any number. BatchRows is how many entries a batch has at most, about.
	Batches, BatchRows int
}

// Waiter is an entry that waits, as a policy sees it.
type Waiter struct {
	seq                uint64
	file, offset, size uint32 // where its record is; a file of the log is small
	asked              uint32 // bytes of its request
	deadline, since    uint32
	target             uint16
	level              uint8
}

// Priority returns the priority of the entry.
func (w Waiter) Priority() queue.Priority { return jobdir.Entry{Level: w.level}.Priority() }

// Deadline returns the deadline of the entry, the zero time if it has none.
func (w Waiter) Deadline() time.Time { return jobdir.TimeOf(w.deadline) }

// Since returns when the entry was read, 1970 if that was not recorded.
func (w Waiter) Since() time.Time { return time.Unix(int64(w.since), 0) }

// Target returns the number of the target of the entry.
func (w Waiter) Target() int { return int(w.target) }

// Tokens returns about how many tokens the request of the entry has.
func (w Waiter) Tokens() int64 { return jobdir.TokensIn(int(w.asked)) }
