package intercept

import "strconv"

// counted is a number of things in words, as in "1 row" and "20 rows".
func counted[N int | int64](n N, one, more string) string {
	if n == 1 {
		more = one
	}
	return strconv.FormatInt(int64(n), 10) + " " + more
}
