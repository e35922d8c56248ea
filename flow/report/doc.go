// Package report says how a run went: as data, as Markdown, or as one HTML page
// without scripts and without a network.
//
//	r, err := report.Read(ctx, dir, "tickets-2026-11", archive.Query{Codec: codec})
//	...
//	err = r.HTML(file)
//
// A report is made from what the state directory keeps, so that it can be made
// at any time: while the run is under way, after it has ended, and after it was
// pruned.
package report
