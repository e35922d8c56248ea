package price_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/llm/price"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]price.Money{
		"5": 5 * price.USD, "$4.99": 499 * price.Cent, "4.99usd": 499 * price.Cent, "\t0.5 USD": 50 * price.Cent, ".25": 25 * price.Cent,
		"0": 0, "0.000000000001": 1, "9000000": 9_000_000 * price.USD,
	} {
		if got, err := price.Parse(text); err != nil || got != want {
			t.Errorf("%q: %d, %v: want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "usd", "$", "-1", "five", "1e3", "5eur", "1,000", "0.0000000000001", "10000000", "99999999999999999999999", "1.2.3", "+5", "0x10", "NaN"} {
		if got, err := price.Parse(text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}

func TestMoneyIsReadable(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]price.Money{
		"$5.00": 5 * price.USD, "$0.0000375": 37_500_000, "-$1.50": -150 * price.Cent, "$0.00": 0, "$0.000000000001": 1,
		"$9223372.036854775807": price.MaxMoney, "-$9223372.036854775808": -price.MaxMoney - 1,
	} {
		if got := m.String(); got != want {
			t.Errorf("%d is %s, want %s", m, got, want)
		}
		if back, err := price.Parse(strings.TrimPrefix(want, "-")); m >= 0 && (err != nil || back != m) {
			t.Errorf("%s is read as %d, %v", want, back, err)
		}
	}
	for _, c := range []struct{ in, want price.Money }{
		{1_005_000_000_000, 101 * price.Cent}, {1_004_999_999_999, price.USD}, {-1_005_000_000_000, -101 * price.Cent}, {0, 0},
	} {
		if got := c.in.Round(2); got != c.want {
			t.Errorf("%d is rounded to %d, want %d", c.in, got, c.want)
		}
	}
}

// What is too large is the largest amount, never a small one.
func TestSumsDoNotOverflow(t *testing.T) {
	t.Parallel()
	if got := price.MaxMoney.Add(1); got != price.MaxMoney {
		t.Errorf("sum %d", got)
	}
	if got := (-price.MaxMoney).Add(-2); got != -price.MaxMoney-1 {
		t.Errorf("sum %d", got)
	}
	if got := price.USD.Times(1 << 40); got != price.MaxMoney {
		t.Errorf("product %d", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"5", "$4.99", "4.99usd", ".25", "1e3", "-1", "99999999999999999999", "0.0000000000001"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := price.Parse(text)
		if err != nil {
			return
		}
		s := strings.TrimSpace(text)
		if n := len(s) - 3; n >= 0 && strings.EqualFold(s[n:], "usd") {
			s = strings.TrimSpace(s[:n])
		} else {
			s = strings.TrimPrefix(s, "$")
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok || want.Cmp(new(big.Rat).SetFrac64(int64(m), int64(price.USD))) != 0 {
			t.Errorf("%q is read as %s", text, m)
		}
	})
}
