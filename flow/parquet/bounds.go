package parquet

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// bounds are, by column, the timestamps that the library can make a time.Time
// of: those between the years 1678 and 2262. It would make another time of any
// other.
type bounds map[int]bound

type bound struct {
	name string
	most int64 // in the unit of the column, either side of 1970
}

// boundsOf returns the bounds of the columns of a struct.
func boundsOf(item reflect.Type, wanted *parquet.Schema) bounds {
	all := make(bounds)
	for _, path := range wanted.Columns() {
		leaf, _ := wanted.Lookup(path...)
		stamp, ok := logical[*format.TimestampType](leaf.Node.Type())
		if ok && mayHaveTime(item, path[0]) {
			all[leaf.ColumnIndex] = bound{strings.Join(path, "."), math.MaxInt64 / int64(lengthOf(stamp.Unit))}
		}
	}
	return all
}

// mayHaveTime reports whether the field of a column can hold a time.Time. The
// library does not tell.
func mayHaveTime(item reflect.Type, column string) bool {
	for field := range item.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("parquet"), ",")
		if name == column || name == "" && field.Name == column {
			return !isInteger(field.Type)
		}
	}
	return true // it is a field of an embedded struct
}

func isInteger(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t.Kind() == reflect.Int64
}

// lengthOf returns how long a unit is.
func lengthOf(unit format.TimeUnit) time.Duration {
	switch unit.Value.(type) {
	case *format.MilliSeconds:
		return time.Millisecond
	case *format.MicroSeconds:
		return time.Microsecond
	}
	return time.Nanosecond
}

func (b bounds) check(row parquet.Row) error {
	if len(b) == 0 {
		return nil
	}
	for column, values := range row.Range {
		limit, ok := b[column]
		for i := range values {
			if ok && !values[i].IsNull() && (values[i].Int64() > limit.most || values[i].Int64() < -limit.most) {
				return fmt.Errorf("column %q: the time is not between the years 1678 and 2262: make the field an int64, with the same tag", limit.name)
			}
		}
	}
	return nil
}
