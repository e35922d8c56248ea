package main

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// days is the value of a flag that takes a time: days and weeks, too, which
// time.ParseDuration does not know.
type days struct{ pflag.Value }

// acceptDays lets a flag that takes a time take days.
func acceptDays(f *pflag.Flag) {
	if f.Value.Type() != "duration" {
		return
	}
	f.Value = days{f.Value}
	switch d, err := time.ParseDuration(f.DefValue); {
	case err == nil && d == 0 && strings.Contains(f.Usage, "(default"):
		f.DefValue = "0" // which help leaves out, as the usage says what it means
	case err == nil:
		f.DefValue = inDays(d)
	}
}

var dayUnits = regexp.MustCompile(`(\d+(?:\.\d+)?)([dw])`)

// Set implements pflag.Value.
func (d days) Set(text string) error {
	inHours := dayUnits.ReplaceAllStringFunc(text, func(part string) string {
		n, err := strconv.ParseFloat(part[:len(part)-1], 64)
		if err != nil {
			return part
		}
		if strings.HasSuffix(part, "w") {
			n *= 7
		}
		return strconv.FormatFloat(n*24, 'f', -1, 64) + "h"
	})
	err := d.Value.Set(inHours)
	if _, wrong := time.ParseDuration(inHours); err != nil && wrong != nil && err.Error() == wrong.Error() {
		return errors.New("must be a time such as 90s, 12h or 30d")
	}
	return err // of a flag that takes other words, too
}

// inDays is a time as people write it.
func inDays(d time.Duration) string {
	const day = 24 * time.Hour
	if d == 0 {
		return d.String()
	}
	whole, rest := d/day, d%day
	text := rest.String()
	switch {
	case whole > 0 && rest == 0:
		return strconv.Itoa(int(whole)) + "d"
	case rest%time.Hour == 0:
		text = strconv.Itoa(int(rest/time.Hour)) + "h"
	case rest%time.Minute == 0:
		text = strings.TrimSuffix(rest.String(), "0s")
	}
	if whole > 0 {
		return strconv.Itoa(int(whole)) + "d" + text
	}
	return text
}
