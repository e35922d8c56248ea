package queue_test

import (
	"time"

	"github.com/balerhq/baler/queue"
)

// ticket is the item of the tests.
type ticket struct {
	id     string
	pri    queue.Priority
	due    time.Time
	tenant string
	cost   int64
}

func (t ticket) ID() string               { return t.id }
func (t ticket) Priority() queue.Priority { return t.pri }
func (t ticket) Number() int              { return int(t.pri) }
func (t ticket) Deadline() time.Time      { return t.due }
func (t ticket) Tenant() string           { return t.tenant }
func (t ticket) Cost() int64              { return t.cost }
