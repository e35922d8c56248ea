// Package queue holds items back and lets the most urgent one leave first.
//
// A [Queue] is bounded, safe for concurrent use, and ordered by a function of
// its items: a priority or a deadline.
//
//	q := queue.By(Ticket.Deadline, queue.Config{Capacity: 10_000})
//	err := q.Push(ctx, ticket)
//	...
//	next, err := q.Pop(ctx)
//
// A Queue is also a stage of a pipeline: [Queue.Run] takes slices of items from
// one channel and sends the most urgent ones to another. While the next stage
// is busy, items wait inside, where a late item overtakes those that are less
// urgent.
//
//	urgent := flow.Via(p, tickets, queue.By(Ticket.Deadline, queue.Config{}))
//
// # Policies
//
// [By] is short for [New] with [Strict]: the most urgent item always leaves
// first, so a constant stream of urgent items keeps the others waiting for
// good. [Aged] gives each level a head start in time instead, so every item
// leaves in the end. [Fair] shares each level among tenants by weight. Equals
// leave in the order of their arrival.
//
//	queue.New(queue.Aged(Ticket.Priority), queue.Config{Aging: time.Minute})
//	queue.New(queue.Fair(Ticket.Priority, Ticket.Customer, Ticket.Tokens), queue.Config{})
//
// Nothing is sorted again as time passes. The sort key of an item stays the
// same while the item waits: its deadline, or the time of its arrival less its
// head start. The item that is earliest now was earliest before.
//
// # Finding items
//
// [Queue.Index] makes items known by an id. Then [Queue.Position] tells how
// many items leave before one, [Queue.Remove] takes it out, and [Queue.Update]
// changes its priority or deadline, also while the queue runs as a stage.
//
// # Costs
//
// With n items queued, of p priorities, or of f tenants counted once per level:
//
//	                                  Push       Pop        by id
//	Strict, the four named levels     O(1)       O(1)       -
//	Strict, other orders              O(log n)   O(log n)   -
//	Aged by priority                  O(log p)   O(log p)   -
//	Fair by priority                  O(log f)   O(log f)   -
//	by deadline, or with an index     O(log n)   O(log n)   O(log n)
//
// An item takes 2 to 40 bytes in addition to its own size, 140 with an index.
// Aged and Fair by priority take about 400 more for each priority, or for each
// tenant and level, with items that wait.
//
// # Restarts
//
// A [Durable] queue keeps its items in a store of the caller's until they are
// acknowledged. [OpenIndexed] makes them known by an id as well.
package queue
