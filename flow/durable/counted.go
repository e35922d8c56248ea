package durable

import "strconv"

// counted is a number of things in words, as in "1 batch" and "20 rows".
func counted(n int, one, more string) string {
	if n == 1 {
		more = one
	}
	return strconv.Itoa(n) + " " + more
}

func rowCount(n int) string { return counted(n, "row", "rows") }

func batchCount(n int) string { return counted(n, "batch", "batches") }

// withoutResult says of how many rows there is no result.
func withoutResult(n int) string { return counted(n, "row has", "rows have") + " no result" }
