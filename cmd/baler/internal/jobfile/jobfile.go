// Package jobfile reads and writes job files: the options of one command, or of
// several stages, as YAML. It knows no option by itself; a caller says which
// there are.
package jobfile

import (
	"fmt"
	"path/filepath"
	"strings"
)

// The keys of a job file that are no options.
const (
	inputKey  = "input"
	stagesKey = "stages"
)

// Is reports whether a path is that of a job file, by its extension.
func Is(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".yaml" || ext == ".yml"
}

// Kind is what the value of an option looks like.
type Kind int

// The kinds of values.
const (
	Text   Kind = iota // any scalar, as it is written
	Bool               // true or false
	Int                // a whole number
	Number             // a number
)

// Option is an option that a file may have.
type Option struct {
	Name    string
	Kind    Kind
	Repeats bool   // it takes a list, or a mapping of names to values
	Usage   string // one sentence
	Default string // "" for none
	Group   string // the heading that it stands under
}

// Value is what a file says of an option.
type Value struct {
	Name  string
	Texts []string // one, or several of an option that repeats
	List  bool     // it was written as a list or mapping
	Place Place
}

// Place is where something stands, counted from one.
type Place struct {
	File         string
	Line, Column int
}

func (p Place) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Stage is a run that a file describes.
type Stage struct {
	Inputs []string // as they are written; none if the file names none
	Values []Value  // in their order; options of the whole file come first
	Place  Place
}

// Get returns the value of an option.
func (s *Stage) Get(name string) (Value, bool) {
	for _, v := range s.Values {
		if v.Name == name {
			return v, true
		}
	}
	return Value{}, false
}

// Error is a mistake in a file.
type Error struct {
	Place Place
	Text  string
}

func (e *Error) Error() string { return e.Place.String() + ": " + e.Text }
