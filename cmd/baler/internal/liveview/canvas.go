package liveview

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// canvas collects lines, none of which is wider than width.
type canvas struct {
	width int
	lines []string
}

const (
	dots         = "..."
	labelColumns = 9
)

// label is the name of a part, in the column of names.
func label(name string) string { return dim(fmt.Sprintf("%-*s", labelColumns, name)) }

func (c *canvas) add(line string) { c.lines = append(c.lines, ansi.Truncate(line, c.width, dots)) }

// field adds parts under a name. They are cut at the end of the last line that
// they may have.
func (c *canvas) field(name string, parts []string) {
	line, n := label(name)+parts[0], 1
	for _, part := range parts[1:] {
		if n < maxFieldLines && columns(line)+columns(part)+3 > c.width {
			c.add(line + ",")
			line, n = label("")+part, n+1
			continue
		}
		line += ", " + part
	}
	c.add(line)
}

// paragraph adds a text under a name, wrapped into at most so many lines.
func (c *canvas) paragraph(name, text string, most int, style func(string) string) {
	lines := strings.Split(ansi.Wrap(text, max(c.width-labelColumns, 1), " "), "\n")
	if len(lines) > most {
		lines[most-1] += " " + strings.Join(lines[most:], " ")
		lines = lines[:most]
	}
	for _, line := range lines {
		c.add(label(name) + style(ansi.Truncate(line, max(c.width-labelColumns, 1), dots)))
		name = ""
	}
}

// table adds rows of cells, in at most so many lines. If the terminal is too
// narrow, the first cell is the one that is cut.
func (c *canvas) table(rows [][]string, room int) {
	if room <= 0 || len(rows) == 0 {
		return
	}
	rest := 0
	if len(rows) > room {
		rest = len(rows) - room + 1
		rows = rows[:room-1]
	}
	widths := make([]int, 0, 4)
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(cell))
		}
	}
	if len(rows) > 0 {
		others := 2 // the margin
		for _, w := range widths[1:] {
			others += w + 2
		}
		widths[0] = max(min(widths[0], c.width-others), min(widths[0], minName))
	}
	for _, row := range rows {
		c.add(aligned(row, widths))
	}
	if rest > 0 {
		c.add(fmt.Sprintf("  and %s more", thousands(rest)))
	}
}

// minName is how much of the first cell stays at least.
const minName = 8

func aligned(row []string, widths []int) string {
	var b strings.Builder
	for i, cell := range row {
		cell = ansi.Truncate(cell, widths[i], dots)
		b.WriteString("  " + cell)
		b.WriteString(strings.Repeat(" ", widths[i]-columns(cell)))
	}
	return strings.TrimRight(b.String(), " ")
}
