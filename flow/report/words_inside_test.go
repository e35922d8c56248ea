package report

import (
	"testing"
	"time"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"0": count(0), "999": count(999), "1,000": count(1000), "-1,234,567": count(-1_234_567), "12,345": count(12_345),
		"0s": duration(0), "850ms": duration(0.85), "12.3s": duration(12.34), "4m05s": duration(245), "3h12m": duration(3*3600 + 12*60), "2d 5h": duration(53 * 3600),
		"9.8": decimal(9.8), "236,029": decimal(236029.4), `a \| b &lt;i&gt; \*x\*`: cell("a | b <i>\n*x*"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestThinKeepsTheEnds(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 199, 200, 201, 10_000} {
		points := make([]Point, n)
		for i := range points {
			points[i].Succeeded = i + 1
		}
		got := thin(points, time.Time{})
		if len(got) > maxPoints+1 || len(got) < min(n, maxPoints/2) || got[len(got)-1].Succeeded != n {
			t.Errorf("of %d points %d are left, the last is %+v", n, len(got), got[len(got)-1])
		}
	}
}
