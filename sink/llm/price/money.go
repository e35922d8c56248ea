package price

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Money is an amount of US dollars in units of 1e-12, which is a millionth of
// the price of a token at one dollar per million. An int64 reaches to 9.2
// million dollars.
type Money int64

// These are units of Money, to multiply with: 5*price.USD.
const (
	USD  Money = 1_000_000_000_000
	Cent       = USD / 100

	// perMillion is a price of one dollar per million tokens, for one token.
	perMillion = USD / 1_000_000
)

// MaxMoney is the largest amount.
const MaxMoney Money = math.MaxInt64

var (
	errAmount  = errors.New("an amount is written as 5usd, $5 or 0.25")
	errTooMuch = errors.New("it is above nine million dollars")
)

// Parse reads an amount of dollars such as "5", "$4.99", "4.99usd" or "4.99
// USD". It must not be negative, and have twelve decimals at most.
func Parse(text string) (Money, error) {
	s := strings.TrimSpace(text)
	if rest, ok := cutSuffixFold(s, "usd"); ok {
		s = strings.TrimSpace(rest)
	} else {
		s = strings.TrimPrefix(s, "$")
	}
	if strings.ContainsAny(s, "eE") {
		return 0, fmt.Errorf("price: amount %q: %w", text, errAmount)
	}
	m, exact, err := decimal(s, 12)
	if err == nil && !exact {
		err = errAmount
	}
	if err != nil {
		return 0, fmt.Errorf("price: amount %q: %w", text, err)
	}
	return m, nil
}

func cutSuffixFold(s, suffix string) (string, bool) {
	n := len(s) - len(suffix)
	if n < 0 || !strings.EqualFold(s[n:], suffix) {
		return s, false
	}
	return s[:n], true
}

// String returns the amount in dollars, with two decimals at least and no
// superfluous ones: "$5.00", "$0.0000375".
func (m Money) String() string { return string(m.append(nil, "$")) }

// MarshalJSON returns the amount as an exact decimal number of dollars.
func (m Money) MarshalJSON() ([]byte, error) { return m.append(nil, ""), nil }

// append appends the sign, a currency, and the amount.
func (m Money) append(b []byte, currency string) []byte {
	u := uint64(m) //nolint:gosec // a negative one is negated below
	if m < 0 {
		b, u = append(b, '-'), -u
	}
	b = strconv.AppendUint(append(b, currency...), u/uint64(USD), 10)
	point := len(b)
	b = strconv.AppendUint(b, uint64(USD)+u%uint64(USD), 10) // its first digit is in the place of the point
	b[point] = '.'
	for b[len(b)-1] == '0' && len(b) > point+len(".00") {
		b = b[:len(b)-1]
	}
	return b
}

// UnmarshalJSON reads what MarshalJSON writes, and other numbers of at most
// twelve decimals.
func (m *Money) UnmarshalJSON(b []byte) error {
	text, negative := strings.CutPrefix(string(b), "-")
	if text == "null" {
		return nil
	}
	amount, exact, err := decimal(text, 12)
	if err == nil && !exact {
		err = errAmount
	}
	if err != nil {
		return fmt.Errorf("price: amount %.40q: %w", b, err)
	}
	if *m = amount; negative {
		*m = -amount
	}
	return nil
}

// Round returns the amount rounded half up to n decimals of a dollar, 12 at
// most, for people to read.
func (m Money) Round(n int) Money {
	unit := USD
	for range min(n, 12) {
		unit /= 10
	}
	if m < 0 {
		return -(-m).Round(n)
	}
	rest := m % unit
	if m -= rest; rest >= unit-rest && m <= MaxMoney-unit {
		m += unit
	}
	return m
}

// Add returns the sum, or the largest amount if that is larger.
func (m Money) Add(other Money) Money {
	if sum := m + other; (sum > m) == (other > 0) {
		return sum
	}
	if other > 0 {
		return MaxMoney
	}
	return math.MinInt64
}

// Times returns n times the amount, which must both not be negative, or the
// largest amount if that is larger.
func (m Money) Times(n int) Money {
	if n > 0 && m > MaxMoney/Money(n) {
		return MaxMoney
	}
	return m * Money(n)
}

// decimal reads a number that is not negative, such as "0.25" or "2.5e-07", in
// units of 10^-places, rounded up, and reports whether it is exact.
func decimal(s string, places int) (m Money, exact bool, err error) {
	digits, exponent := s, 0
	if at := strings.IndexAny(s, "eE"); at >= 0 {
		digits = s[:at]
		if exponent, err = strconv.Atoi(s[at+1:]); err != nil || exponent < -30 || exponent > 30 {
			return 0, false, errAmount
		}
	}
	whole, part, _ := strings.Cut(digits, ".")
	if whole+part == "" || len(whole+part) > 40 || strings.Trim(whole+part, "0123456789") != "" {
		return 0, false, errAmount
	}
	exponent += places - len(part)
	exact = true
	for _, c := range whole + part {
		digit := Money(c - '0')
		if m > (MaxMoney-digit)/10 {
			return 0, false, errTooMuch
		}
		m = m*10 + digit
	}
	for ; exponent > 0 && m > 0; exponent-- {
		if m > MaxMoney/10 {
			return 0, false, errTooMuch
		}
		m *= 10
	}
	up := false
	for ; exponent < 0 && m > 0; exponent++ {
		up = up || m%10 != 0
		m /= 10
	}
	if up {
		return m + 1, false, nil
	}
	return m, exact, nil
}
