package liveview

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/dustin/go-humanize"
)

func thousands(n int) string { return humanize.Comma(int64(n)) }

// count is a number of things.
func count(n int, thing string) string {
	switch {
	case n == 1:
		return "1 " + thing
	case strings.HasSuffix(thing, "y"):
		return thousands(n) + " " + strings.TrimSuffix(thing, "y") + "ies"
	}
	return thousands(n) + " " + thing + "s"
}

// roughly is a duration that is estimated.
func roughly(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return "1 min"
	case d < 90*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 36*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

// span is a duration in its two largest units, such as 4h10m.
func span(d time.Duration) string {
	switch d = max(d, 0).Truncate(time.Second); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}

// sortedCodes are those of failures, the most frequent first.
func sortedCodes(failures map[string]int) []string {
	return slices.SortedFunc(maps.Keys(failures), func(a, b string) int {
		return cmp.Or(failures[b]-failures[a], strings.Compare(a, b))
	})
}

// The colours. A terminal that has none, or NO_COLOR, leaves them out.

func bold(s string) string { return ansi.NewStyle().Bold().Styled(s) }
func dim(s string) string  { return ansi.NewStyle().Faint().Styled(s) }
func green(s string) string {
	return ansi.NewStyle().ForegroundColor(ansi.Green).Styled(s)
}
func yellow(s string) string { return ansi.NewStyle().ForegroundColor(ansi.Yellow).Styled(s) }

// alarm shows a number of bad things in red.
func alarm(n int, s string) string {
	if n == 0 {
		return s
	}
	return ansi.NewStyle().ForegroundColor(ansi.Red).Styled(s)
}
