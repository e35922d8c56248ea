package parquet

import "github.com/parquet-go/parquet-go"

// Placed is a row with where it comes from.
type Placed[T any] struct {
	File string // the path, or the name that File.Named has given
	Row  int    // its number, from 1
	Item T
}

// ID returns an id that is unique within the file as one that is unique among
// all: after the file and a colon, as in "orders.parquet:17". Give a file whose
// path may change a name (File.Named): a job knows its items by their keys.
func (p Placed[T]) ID(id string) string { return p.File + ":" + id }

// Place lets a file yield its rows with where they come from, so that a Job.Key
// can tell apart rows of several files. Name f before, and do not use it any
// more.
func Place[T any](f *File[T]) *File[Placed[T]] {
	placed := &File[Placed[T]]{path: f.path, name: f.name}
	placed.read = func(have *parquet.Schema) (reading[Placed[T]], error) {
		read, err := f.read(have)
		return reading[Placed[T]]{conversion: read.conversion, item: func(row parquet.Row) (Placed[T], error) {
			f.line = placed.line // which a row of Rows says
			item, err := read.item(row)
			return Placed[T]{File: placed.name, Row: placed.line, Item: item}, err
		}}, err
	}
	return placed
}
