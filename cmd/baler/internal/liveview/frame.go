package liveview

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/internal/printable"
)

// Frame is what there is to show at one moment.
type Frame struct {
	Status durable.Status
	Pace   Pace
	Now    time.Time
}

// mostColumns bounds the width of a frame. What is wider reads badly, and
// breaks when the terminal becomes narrower.
const mostColumns = 120

// maxWord bounds a name or a code that is shown, in bytes.
const maxWord = 64

// These bound how many lines a part takes, however much there is to say.
const (
	maxNotices     = 3
	maxNoticeLines = 3
	maxFieldLines  = 2
)

// Text lays the frame out in lines of at most width columns. There are fewer
// than height of them, so that the cursor has a line of its own.
func (f *Frame) Text(width, height int) string {
	room := max(height-1, 1)
	c := canvas{width: min(max(width, 1), mostColumns)}
	f.head(&c)
	f.bar(&c)
	f.rows(&c)
	f.codes(&c)
	f.reuse(&c)
	f.pace(&c)
	f.notices(&c)
	f.lists(&c, room-len(c.lines))
	lines := c.lines
	if len(lines) > room {
		lines = lines[:room]
	}
	return strings.Join(lines, "\n")
}

func (f *Frame) head(c *canvas) {
	s := &f.Status
	text := bold(printable.Line(s.Name, maxWord)) + "  " + string(s.State)
	if s.Reason != "" && s.State != durable.StateRunning {
		text += ": " + printable.Line(s.Reason, maxWord)
	}
	if !s.Started.IsZero() {
		text += dim("  for " + span(f.Now.Sub(s.Started)))
	}
	c.add(text)
}

// ran counts the rows that the provider has answered in batches that it works
// on, as far as it says so.
func ran(open []durable.OpenBatch) (n int) {
	for i := range open {
		if open[i].State == submitted {
			n += open[i].Ran
		}
	}
	return n
}

// barColumns bounds the width of the bar, which shows settled rows as = and
// those that the provider has answered as -.
const barColumns = 40

func (f *Frame) bar(c *canvas) {
	p := &f.Status.Progress
	if !p.Read {
		c.add("reading the input: " + count(p.Rows, "row"))
		return
	}
	share := func(n int) float64 {
		if p.Rows == 0 {
			return 1
		}
		return min(1, float64(n)/float64(p.Rows))
	}
	text := fmt.Sprintf(" %3d%%  %s of %s", int(share(p.Settled())*100), thousands(p.Settled()), count(p.Rows, "row"))
	cells := min(barColumns, c.width-len(text)-2)
	if cells < 5 {
		c.add(strings.TrimSpace(text))
		return
	}
	done := int(share(p.Settled()) * float64(cells))
	under := int(share(p.Settled()+ran(f.Status.Open))*float64(cells)) - done
	c.add("[" + green(strings.Repeat("=", done)) + dim(strings.Repeat("-", under)) + strings.Repeat(" ", cells-done-under) + "]" + text)
}

func (f *Frame) rows(c *canvas) {
	p := &f.Status.Progress
	parts := []string{thousands(p.Succeeded) + " succeeded", alarm(p.Failed, thousands(p.Failed)+" failed")}
	for _, more := range []struct {
		n    int
		what string
	}{
		{p.FromCache, "from cache"},
		{p.Shared, "shared"},
		{p.Late, "late"},
		{p.Rejected, "rejected"},
		{p.Filtered, "left out"},
		{p.Duplicates, "repeated"},
		{f.Status.Cancelled, "cancelled"},
	} {
		if more.n > 0 {
			parts = append(parts, thousands(more.n)+" "+more.what)
		}
	}
	if p.Retried > 0 {
		parts = append(parts, count(p.Retried, "retry"))
	}
	c.field("rows", parts)
}

func (f *Frame) codes(c *canvas) {
	var parts []string
	for _, code := range sortedCodes(f.Status.Failures) {
		parts = append(parts, thousands(f.Status.Failures[code])+" "+printable.Line(code, maxWord))
	}
	if len(parts) > 0 {
		c.field("failed", parts)
	}
}

// reuse shows which calls got an answer without a row of their own.
func (f *Frame) reuse(c *canvas) {
	r := f.Status.Reuse
	if r == nil {
		return
	}
	var parts []string
	if r.Hits > 0 {
		parts = append(parts, count(r.Hits, "answer")+" given again")
	}
	if r.Shared > 0 {
		parts = append(parts, count(r.Shared, "call")+" shared a row")
	}
	if r.Saved > 0 {
		parts = append(parts, r.Saved.Round(4).String()+" saved")
	}
	c.field("reused", parts)
}

// longStill is how long nothing is answered until that is worth a word.
const longStill = 2 * time.Minute

func (f *Frame) pace(c *canvas) {
	if f.Status.State != durable.StateRunning || !f.Status.Read {
		return
	}
	var parts []string
	if f.Pace.PerMinute > 0 {
		parts = append(parts, perMinute(f.Pace.PerMinute))
	}
	if f.Pace.Still >= longStill {
		parts = append(parts, "nothing answered for "+span(f.Pace.Still))
	}
	if f.Pace.Latest > 0 && len(f.Status.Notices) == 0 {
		parts = append(parts, f.ending())
	}
	if len(parts) > 0 {
		c.field("pace", parts)
	}
}

// ending says when the run will have its answers.
func (f *Frame) ending() string {
	soon, late := roughly(f.Pace.Soonest), roughly(f.Pace.Latest)
	if soon == late {
		return "ends in about " + late
	}
	return "ends in " + soon + " to " + late
}

func (f *Frame) notices(c *canvas) {
	for i, n := range f.Status.Notices {
		if i == maxNotices {
			c.add(label("") + fmt.Sprintf("and %d more notices", len(f.Status.Notices)-i))
			return
		}
		text := n.Text
		if n.Batch != "" {
			text = "batch " + n.Batch + ": " + text
		}
		if !n.Next.IsZero() {
			text += "; next try at " + n.Next.In(f.Now.Location()).Format(time.TimeOnly)
		}
		if n.Advice != "" {
			text += "; " + n.Advice
		}
		c.paragraph("notice", printable.Line(text, 1<<10), maxNoticeLines, yellow)
	}
}

// perMinute shows a rate that may be small.
func perMinute(rate float64) string {
	if rate < 10 {
		return fmt.Sprintf("%.1f rows a minute", rate)
	}
	return thousands(int(rate)) + " rows a minute"
}

// width of what is shown, without its colours.
func columns(s string) int { return ansi.StringWidth(s) }
