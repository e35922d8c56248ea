package archive

import (
	"bufio"
	"errors"
	"os"

	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
)

const exportRaw = "raw"

// exportRaw writes what the provider has sent about a batch, if the run has kept
// it (Job.KeepRaw), and returns the files: one for each part that there is.
func (a *Archive) exportRaw(root *os.Root, in intent.Intent) (files map[sink.RawPart]string, err error) {
	open := make(map[sink.RawPart]*rawFile)
	defer func() {
		for _, f := range open {
			err = errors.Join(err, f.close())
		}
	}()
	for r, err := range a.ReadRaw(in.Tag) {
		if err != nil {
			return nil, err
		}
		f := open[r.Part]
		if f == nil {
			name := exportRaw + "/" + in.Tag + "." + string(r.Part) + ".jsonl"
			if f, err = createRaw(root, name); err != nil {
				return nil, err
			}
			if open[r.Part] = f; files == nil {
				files = make(map[sink.RawPart]string)
			}
			files[r.Part] = name
		}
		if err := f.line(r.Text); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// rawFile is a file of an export. It is whole once the manifest names it.
type rawFile struct {
	w    *bufio.Writer
	file *os.File
	buf  []byte
}

func createRaw(root *os.Root, name string) (*rawFile, error) {
	f, err := atomicfile.New(root, name, os.O_WRONLY)
	if err != nil {
		return nil, err
	}
	return &rawFile{w: bufio.NewWriterSize(f, 256<<10), file: f}, nil
}

// line writes a text on one line. A line break within JSON is white space.
func (f *rawFile) line(text []byte) error {
	f.buf = append(append(f.buf[:0], text...), '\n')
	for i, c := range f.buf[:len(text)] {
		if c == '\n' || c == '\r' {
			f.buf[i] = ' '
		}
	}
	_, err := f.w.Write(f.buf)
	return err
}

func (f *rawFile) close() error { return errors.Join(f.w.Flush(), f.file.Sync(), f.file.Close()) }
