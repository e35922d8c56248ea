// Package rank holds items in the order of their keys. The least key leaves
// first.
//
//	        insert     first item   any other item
//	Tree    O(log n)   O(log n)     O(log n)
//	Heap    O(log n)   O(log n)     -
//	FIFO    O(1)       O(1)         -
//
// A [Tree] finds an item by its key and knows its rank. A [Heap] is faster
// where only the first item is wanted. A [FIFO] is for items that arrive in
// order.
//
//	var t rank.Tree[string]
//	k := rank.Key{Urgency: 3, Seq: 1}
//	t.Insert(k, "letter")
//	position := t.Rank(k)
//
// Nothing here is safe for concurrent use.
package rank
