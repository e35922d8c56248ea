// Package archive reads what a state directory keeps of a run: its results
// again, by status, in the order of the input or after a cursor, and its
// requests and raw answers for export. It reads files alone, so that the run
// may be under way in this process or another, or be over for long.
//
//	a, err := archive.Open(dir, "tickets-2026-11")
//	...
//	defer a.Close()
//	for r, err := range a.Results(archive.Query{Status: durable.ItemFailed}) {
//		...
//	}
//
// Prune frees the room of runs that have ended.
package archive
