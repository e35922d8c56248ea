package chatform

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"

	"github.com/balerhq/baler/sink/simulator/internal/chance"
)

// AppendVector appends a vector of 4 dimensions: a list of numbers, or their
// bytes in base64.
func AppendVector(b, input []byte, inBase64 bool) []byte {
	var raw []byte
	begin := len(b)
	for dimension := range uint64(4) {
		x := float32(2*chance.Of(dimension, "", input) - 1)
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		b = append(b, ',')
		b = strconv.AppendFloat(b, float64(x), 'g', -1, 32)
	}
	b[begin] = '[' // in place of the first comma
	if !inBase64 {
		return append(b, ']')
	}
	b = append(b[:begin], '"')
	b = base64.StdEncoding.AppendEncode(b, raw)
	return append(b, '"')
}
