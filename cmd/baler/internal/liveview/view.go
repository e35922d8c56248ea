package liveview

import (
	"io"
	"os"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/balerhq/baler/flow/durable"
)

// View keeps the latest frame at the bottom of a terminal. What is written to
// the View is printed above it. A View is safe for concurrent use.
//
// It reads no keys and leaves the terminal in the mode in which it is. So
// signals work as ever, and there is nothing to restore if the process is
// killed.
type View struct {
	terminal io.Writer
	program  *tea.Program
	ended    chan struct{} // the program has

	mu      sync.Mutex
	history history
	closed  bool
	lines   chan string
	printed chan struct{} // all lines are
}

// Fits reports whether a view can be kept at the bottom of a terminal of that
// kind, which is TERM.
func Fits(term string) bool { return term != "dumb" && term != "" }

// framesPerSecond bounds how often the terminal is drawn, also if much is
// printed above the view.
const framesPerSecond = 10

// Start shows a view on a terminal until Close.
func Start(terminal *os.File) *View {
	v := &View{terminal: terminal, ended: make(chan struct{}), lines: make(chan string), printed: make(chan struct{})}
	v.program = tea.NewProgram(&model{}, tea.WithOutput(terminal), tea.WithInput(nil), tea.WithoutSignalHandler(), tea.WithFPS(framesPerSecond))
	go func() {
		defer close(v.ended)
		_, _ = v.program.Run() // a terminal that is gone is nobody's concern
	}()
	go func() {
		defer close(v.printed)
		for line := range v.lines {
			v.program.Println(line)
		}
	}()
	return v
}

// Show shows where a run stands.
func (v *View) Show(s durable.Status, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return
	}
	v.program.Send(frameMsg{v.frame(s, now)})
}

func (v *View) frame(s durable.Status, now time.Time) *Frame {
	answered := s.Settled() - s.FromCache - s.Shared + ran(s.Open)
	v.history.add(reading{now, answered})
	return &Frame{Status: s, Now: now, Pace: v.history.pace(s.Rows - s.FromCache - s.Shared - answered)}
}

// Write prints lines above the view. Each call has whole lines.
func (v *View) Write(b []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.closed {
		select {
		case v.lines <- strings.TrimSuffix(string(b), "\n"):
			return len(b), nil
		case <-v.ended:
		}
	}
	return v.terminal.Write(b)
}

// Close ends the view, and leaves nothing of it on the terminal. What is
// written afterwards goes to the terminal as it is.
func (v *View) Close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return
	}
	v.closed = true
	close(v.lines)
	select {
	case <-v.printed:
	case <-v.ended:
	}
	v.program.Send(frameMsg{})
	v.program.Quit()
	<-v.ended
}

// frameMsg brings another frame, or none at the end.
type frameMsg struct{ *Frame }

// model is what the program draws.
type model struct {
	frame         *Frame
	width, height int
}

// Init implements tea.Model.
func (m *model) Init() tea.Cmd { return nil }

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case frameMsg:
		m.frame = msg.Frame
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	}
	return m, nil
}

// View implements tea.Model. The cursor stays visible, since a process that is
// killed could not bring it back.
func (m *model) View() tea.View {
	text := ""
	if m.frame != nil && m.width > 0 {
		text = m.frame.Text(m.width-1, m.height) + "\n"
	}
	view := tea.NewView(text)
	view.DisableBracketedPasteMode = true
	view.Cursor = tea.NewCursor(0, strings.Count(text, "\n"))
	view.Cursor.Blink = false // a cursor that blinks is not set back to the terminal's own
	return view
}
