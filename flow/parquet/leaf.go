package parquet

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// leafAppender appends the JSON of a value.
type leafAppender func(dst []byte, v parquet.Value) ([]byte, error)

// leaf returns how the values of a leaf are written.
func leaf(node parquet.Node) leafAppender {
	t := node.Type()
	annotation := t.LogicalType()
	if annotation == nil {
		return plain
	}
	switch l := annotation.Value.(type) {
	case *format.StringType, *format.EnumType:
		return text
	case *format.JsonType:
		return embedded
	case *format.DecimalType:
		return decimal(int(l.Scale))
	case *format.DateType:
		return day
	case *format.TimeType:
		return instant(l.Unit, "15:04:05.999999999")
	case *format.TimestampType:
		if l.IsAdjustedToUTC {
			return instant(l.Unit, time.RFC3339Nano)
		}
		return instant(l.Unit, "2006-01-02T15:04:05.999999999")
	case *format.UUIDType:
		return identifier
	case *format.IntType:
		if !l.IsSigned {
			return natural
		}
	}
	return plain
}

// isText reports whether values of a type are written as JSON strings whatever
// they are.
func isText(t parquet.Type) bool {
	_, isString := logical[*format.StringType](t)
	_, isEnum := logical[*format.EnumType](t)
	return isString || isEnum
}

// plain writes a value by its physical type alone.
func plain(dst []byte, v parquet.Value) ([]byte, error) {
	switch v.Kind() {
	case parquet.Boolean:
		return strconv.AppendBool(dst, v.Boolean()), nil
	case parquet.Int32:
		return strconv.AppendInt(dst, int64(v.Int32()), 10), nil
	case parquet.Int64:
		return strconv.AppendInt(dst, v.Int64(), 10), nil
	case parquet.Int96: // what Spark and Impala wrote for a timestamp
		i := v.Int96()
		nanos, days := int64(i[0])|int64(i[1])<<32, int64(i[2])-julianEpoch
		return appendTime(dst, time.Unix(days*86400, nanos), time.RFC3339Nano)
	case parquet.Float:
		return number(dst, float64(v.Float()), 32)
	case parquet.Double:
		return number(dst, v.Double(), 64)
	case parquet.ByteArray:
		if b := v.ByteArray(); utf8.Valid(b) { // many programs do not mark text
			return appendText(dst, string(b)), nil
		}
		return appendBase64(dst, v.ByteArray()), nil
	case parquet.FixedLenByteArray:
		return appendBase64(dst, v.ByteArray()), nil
	}
	return append(dst, "null"...), nil // of a type without values
}

// maxScale is more than any program writes.
const maxScale = 1000

// julianEpoch is the Julian day of 1 January 1970.
const julianEpoch = 2440588

func number(dst []byte, f float64, bits int) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, errors.New("the number is not finite, which JSON cannot say")
	}
	return strconv.AppendFloat(dst, f, 'g', -1, bits), nil
}

func natural(dst []byte, v parquet.Value) ([]byte, error) {
	if v.Kind() == parquet.Int32 {
		return strconv.AppendUint(dst, uint64(v.Uint32()), 10), nil
	}
	return strconv.AppendUint(dst, v.Uint64(), 10), nil
}

func text(dst []byte, v parquet.Value) ([]byte, error) {
	b := v.ByteArray()
	if !utf8.Valid(b) {
		return dst, errors.New("the text is not valid UTF-8")
	}
	return appendText(dst, string(b)), nil
}

func embedded(dst []byte, v parquet.Value) ([]byte, error) {
	b := v.ByteArray()
	if !json.Valid(b) || !utf8.Valid(b) {
		return dst, errors.New("the value is said to be JSON and is not")
	}
	return append(dst, b...), nil
}

func identifier(dst []byte, v parquet.Value) ([]byte, error) {
	b := v.ByteArray()
	if len(b) != 16 {
		return dst, errors.New("the value is said to be a UUID and is not")
	}
	return fmt.Appendf(dst, `"%x-%x-%x-%x-%x"`, b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

func day(dst []byte, v parquet.Value) ([]byte, error) {
	return appendTime(dst, time.Unix(int64(v.Int32())*86400, 0), time.DateOnly)
}

func instant(unit format.TimeUnit, layout string) leafAppender {
	return func(dst []byte, v parquet.Value) ([]byte, error) {
		n := v.Int64()
		if v.Kind() == parquet.Int32 {
			n = int64(v.Int32())
		}
		in := int64(time.Second / lengthOf(unit)) // units in a second
		t := time.Unix(n/in, n%in*(1e9/in))
		return appendTime(dst, t, layout)
	}
}

func appendTime(dst []byte, t time.Time, layout string) ([]byte, error) {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return dst, fmt.Errorf("the time is in the year %d, which RFC 3339 cannot say", t.Year())
	}
	return append(t.AppendFormat(append(dst, '"'), layout), '"'), nil
}

// decimal writes a number with all its digits.
func decimal(scale int) leafAppender {
	return func(dst []byte, v parquet.Value) ([]byte, error) {
		if scale < 0 || scale > maxScale {
			return dst, fmt.Errorf("the decimal is said to have %d places", scale)
		}
		n := unscaled(v)
		digits := new(big.Int).Abs(n).String()
		if missing := scale + 1 - len(digits); missing > 0 {
			digits = strings.Repeat("0", missing) + digits
		}
		if n.Sign() < 0 {
			dst = append(dst, '-')
		}
		point := len(digits) - scale
		dst = append(dst, digits[:point]...)
		if scale > 0 {
			dst = append(append(dst, '.'), digits[point:]...)
		}
		return dst, nil
	}
}

// unscaled returns the digits of a decimal.
func unscaled(v parquet.Value) *big.Int {
	if v.Kind() == parquet.Int32 {
		return big.NewInt(int64(v.Int32()))
	}
	if v.Kind() == parquet.Int64 {
		return big.NewInt(v.Int64())
	}
	b := v.ByteArray()
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 { // two's complement
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	return n
}

func appendBase64(dst, b []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), b), '"')
}

// appendText appends a JSON string that escapes no more than it must.
func appendText(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s) // an error says that s is not UTF-8
	return dst
}
