// Package nearest finds the name that somebody may have meant.
package nearest

import "strings"

// Of returns the name that a wrong one is close to, or "": at most half of
// its letters, and never more than two, are different.
func Of(wrong string, names []string) string {
	best, least := "", min(len(wrong)/2+1, 3) // more letters make another word
	for _, name := range names {
		if d := distance(strings.ToLower(wrong), name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is how many letters have to be changed, added or removed to make one
// word of another.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // of the letters of a so far to each beginning of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
