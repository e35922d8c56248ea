package report

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// charts are the coordinates of the pictures, in the units of their SVG. The
// template draws them.
type charts struct {
	Outcomes []bar // one beside the other
	Progress *curve
	Latency  *columns
	Failures []bar // one below the other
}

// bar is a part of a picture. Class says its colour.
type bar struct {
	X, Width float64
	Label    string
	Rows     int
	Percent  float64
	Class    string
}

// curve is a picture of rows over time.
type curve struct {
	Succeeded, Failed string // the points of polygons
	Top               int    // the rows at the upper edge
	From, Until       time.Time
}

// columns is a picture of how often something was so large.
type columns struct {
	Bars     []column
	Most     int
	Low, Top float64 // in seconds
}

type column struct {
	X, Y, Width, Height float64
	Batches             int
}

// These are the sizes of pictures.
const (
	chartWidth  = 600
	chartHeight = 160
	maxReasons  = 12 // of failures in the picture
)

func newCharts(r *Report) charts {
	return charts{outcomes(r), progress(r.Timeline), latencies(&r.Latency), failures(r.Failures)}
}

// outcomes shows what became of all rows. Those from the cache and shared ones
// are among the succeeded and failed ones.
func outcomes(r *Report) []bar {
	x, out := 0.0, []bar(nil)
	for _, part := range []struct {
		label, class string
		rows         int
	}{
		{"succeeded", "good", r.Succeeded.Rows},
		{"failed", "bad", r.Failed.Rows},
		{"skipped", "skip", r.Skipped.Duplicates + r.Skipped.Filtered},
		{"cancelled", "warn", r.Cancelled.Rows},
		{"open", "open", r.Open.Rows},
	} {
		if part.rows == 0 {
			continue
		}
		share := percent(part.rows, r.Rows)
		width := share / 100 * chartWidth
		out = append(out, bar{x, width, part.label, part.rows, share, part.class})
		x += width
	}
	return out
}

// progress shows settled rows over time, the failed ones above the succeeded.
func progress(points []Point) *curve {
	if len(points) < 2 {
		return nil
	}
	last := points[len(points)-1]
	c := &curve{Top: last.Succeeded + last.Failed, From: points[0].At, Until: last.At}
	span := c.Until.Sub(c.From).Seconds()
	if span <= 0 || c.Top == 0 {
		return nil
	}
	var below, above strings.Builder
	x := 0.0
	place := func(rows int) float64 { return chartHeight * (1 - float64(rows)/float64(c.Top)) }
	for i, p := range points {
		right := min(chartWidth, max(x, chartWidth*p.At.Sub(c.From).Seconds()/span)) // clocks are set
		if i > 0 {
			// Rows are settled at once, so that the line has steps.
			before := points[i-1]
			fmt.Fprintf(&below, "%.1f,%.1f ", right, place(before.Succeeded))
			fmt.Fprintf(&above, "%.1f,%.1f ", right, place(before.Succeeded+before.Failed))
		}
		x = right
		fmt.Fprintf(&below, "%.1f,%.1f ", x, place(p.Succeeded))
		fmt.Fprintf(&above, "%.1f,%.1f ", x, place(p.Succeeded+p.Failed))
	}
	end := fmt.Sprintf("%.1f,%d 0,%d", x, chartHeight, chartHeight)
	c.Succeeded, c.Failed = below.String()+end, above.String()+end
	return c
}

// latencies shows how many batches took how long.
func latencies(l *Latency) *columns {
	if len(l.Spread) < 2 {
		return nil
	}
	c := &columns{Top: l.Longest}
	for _, n := range l.Spread {
		c.Most = max(c.Most, n)
	}
	width := float64(chartWidth) / float64(len(l.Spread))
	for i, n := range l.Spread {
		height := math.Ceil(chartHeight * float64(n) / float64(c.Most))
		c.Bars = append(c.Bars, column{X: float64(i)*width + 1, Y: chartHeight - height, Width: width - 2, Height: height, Batches: n})
	}
	c.Low = l.Shortest
	return c
}

// failures shows the most frequent reasons.
func failures(all []Failure) []bar {
	var out []bar
	for i := range all[:min(len(all), maxReasons)] {
		f := &all[i]
		width := chartWidth * float64(f.Rows.Rows) / float64(all[0].Rows.Rows)
		out = append(out, bar{0, max(2, width), f.Code, f.Rows.Rows, f.Rows.Percent, "bad"})
	}
	return out
}
