package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/balerhq/baler/internal/printable"
	"github.com/balerhq/baler/sink/llm/price"
)

// counted is a number of things in words, as in "1 row" and "1,234 rows".
func counted(n int, one, more string) string {
	if n == 1 {
		more = one
	}
	return count(n) + " " + more
}

// functions are what a template has beside the fields of a Report.
var functions = map[string]any{
	"count":    count,
	"percent":  func(p float64) string { return strconv.FormatFloat(p, 'f', 1, 64) + " %" },
	"decimal":  decimal,
	"duration": duration,
	"money":    dollars,
	"time":     clock,
	"line":     func(s string) string { return printable.Line(s, 300) },
	"cell":     cell,
}

// decimal writes 12.3, and from a thousand on 1,234.
func decimal(v float64) string {
	if math.Abs(v) >= 1000 {
		return count(int(math.Round(v)))
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// count writes 1234567 as 1,234,567.
func count(n int) string {
	digits := strconv.Itoa(n)
	first := len(digits) % 3
	if n < 0 {
		return "-" + count(-n)
	}
	parts := []string{digits[:first]}
	if first == 0 {
		parts = nil
	}
	for i := first; i < len(digits); i += 3 {
		parts = append(parts, digits[i:i+3])
	}
	return strings.Join(parts, ",")
}

// duration writes seconds for people: "850ms", "12.3s", "4m05s", "3h12m", "2d
// 5h".
func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case seconds < 1:
		return d.Round(time.Millisecond).String()
	case seconds < 60:
		return strconv.FormatFloat(seconds, 'f', 1, 64) + "s"
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(math.Mod(seconds, 60)))
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd %dh", int(d.Hours())/24, int(d.Hours())%24)
}

// dollars writes an amount to the cent, and one below a dollar to a hundredth
// of that.
func dollars(m price.Money) string {
	if m > -price.USD && m < price.USD {
		return m.Round(4).String()
	}
	return m.Round(2).String()
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format("2006-01-02 15:04:05 MST")
}

// cell makes words of a provider or a user safe in a table of Markdown: they
// stay on one line, and are neither markup nor HTML.
func cell(s string) string {
	s = printable.Line(s, 300)
	return markdown.Replace(s)
}

var markdown = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "#", `\#`, "~", `\~`, "!", `\!`)
