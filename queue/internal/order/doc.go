// Package order decides which item of a queue leaves next.
//
// An [Order] holds items and gives out the first. An [Indexed] order also finds
// any other item by its key. The policies of package queue use them like this:
//
//	                     Order             Indexed
//	Strict by priority   NewLevelFIFO      NewTree, ByPriority
//	Strict by deadline   NewHeap           NewTree, ByDeadline
//	Aged by priority     NewAging          NewTree, AgedPriority
//	Aged by deadline     NewHeap           NewTree, AgedDeadline
//	Fair by priority     NewFair           NewFairTree
//	Fair by deadline     NewDeadlineFair   NewDeadlineFair
//
// # Adding a policy
//
// If the key of an item can be told from the item and the time of its arrival,
// write a [Rule]: NewHeap and NewTree make both orders of it. Otherwise write
// an Indexed order of its own. A faster Order is optional. The constructor of
// the policy and its choice of an order go into policy.go of package queue.
//
//	earliest := order.ByDeadline(func(j job) time.Time { return j.due })
//	o := order.NewHeap(earliest)
//	o.Tick()
//	o.Push(job{due: tomorrow})
//	next := *o.Head()
//
// Nothing here is safe for concurrent use.
package order
