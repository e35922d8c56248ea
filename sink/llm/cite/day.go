package cite

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// day is what a date in a text may mean.
type day struct {
	place
	year  int
	dates []int // as 20260305
}

var (
	dayFirstYear = regexp.MustCompile(`\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:T|\b)`)
	dayLastYear  = regexp.MustCompile(`\b(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})\b`)
	dayThenMonth = regexp.MustCompile(`(?i)\b(\d{1,2})(?:st|nd|rd|th|\.)?[\s-]+(?:day\s+of\s+|of\s+)?(\pL{3,9})\.?,?[\s-]+(\d{4})\b`)
	monthThenDay = regexp.MustCompile(`(?i)\b(\pL{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b`)
)

// months are their names in English and German. Three letters or more name one.
var months = map[string]int{
	"january": 1, "januar": 1, "february": 2, "februar": 2, "march": 3, "märz": 3, "april": 4, "may": 5, "mai": 5, "june": 6, "juni": 6,
	"july": 7, "juli": 7, "august": 8, "september": 9, "october": 10, "oktober": 10, "november": 11, "december": 12, "dezember": 12,
}

func monthOf(word string) int {
	word = strings.ToLower(word)
	for name, n := range months {
		if strings.HasPrefix(name, word) || word == "sept" && n == 9 {
			return n
		}
	}
	return 0
}

func daysIn(text string) (all []day) {
	add := func(form *regexp.Regexp, read func(a, b, c string) (year int, dates []int)) {
		for _, m := range form.FindAllStringSubmatchIndex(text, -1) {
			at := place{m[0], m[1]}
			year, dates := read(text[m[2]:m[3]], text[m[4]:m[5]], text[m[6]:m[7]])
			if len(dates) > 0 && !isInDay(at, all) {
				all = append(all, day{at, year, dates})
			}
		}
	}
	add(dayFirstYear, func(y, m, d string) (int, []int) { return int10(y), dateOf(int10(y), int10(m), int10(d)) })
	add(dayLastYear, func(a, b, y string) (int, []int) {
		year := int10(y)
		if len(y) == 2 {
			year += 2000
		}
		dates := append(dateOf(year, int10(a), int10(b)), dateOf(year, int10(b), int10(a))...)
		if len(y) == 2 {
			dates = append(append(dates, dateOf(year-100, int10(a), int10(b))...), dateOf(year-100, int10(b), int10(a))...)
		}
		return year, dates
	})
	add(dayThenMonth, func(d, m, y string) (int, []int) { return int10(y), dateOf(int10(y), monthOf(m), int10(d)) })
	add(monthThenDay, func(m, d, y string) (int, []int) { return int10(y), dateOf(int10(y), monthOf(m), int10(d)) })
	return all
}

func int10(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// dateOf returns a date, and none if there is no such day.
func dateOf(year, month, dayOfMonth int) []int {
	t := time.Date(year, time.Month(month), dayOfMonth, 0, 0, 0, 0, time.UTC)
	if month < 1 || month > 12 || t.Day() != dayOfMonth {
		return nil
	}
	return []int{year*10000 + month*100 + dayOfMonth}
}

// asDay returns the dates that a text may be.
func (e *evidence) asDay() []int {
	if len(e.days) != 1 || e.days[0].from > 0 {
		return nil
	}
	return e.days[0].dates
}

// findDay returns the places of any of some dates.
func (e *evidence) findDay(dates []int) (places []place) {
	for _, d := range e.days {
		if haveCommon(d.dates, dates) {
			places = append(places, d.place)
		}
	}
	return places
}

func haveCommon(a, b []int) bool {
	return slices.ContainsFunc(a, func(n int) bool { return slices.Contains(b, n) })
}
