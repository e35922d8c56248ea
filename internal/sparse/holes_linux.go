package sparse

import "os"

// Of lseek(2), as package os passes them on.
const (
	seekData = 3 // to the next data
	seekHole = 4 // to the next hole
)

// dataEnd is where the last hole begins, if a file ends with one, else its
// size.
func dataEnd(f *os.File, size int64) int64 {
	end := int64(0)
	for {
		data, err := f.Seek(end, seekData)
		if err != nil { // no more data, or no notion of holes
			break
		}
		if end, err = f.Seek(data, seekHole); err != nil {
			return size
		}
	}
	if at, err := f.Seek(0, seekHole); err != nil || at == size {
		return size
	}
	return end
}
