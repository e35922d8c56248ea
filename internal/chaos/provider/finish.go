package provider

import (
	"bytes"
	"fmt"
	"os"
	"time"
)

// finish writes the files of a batch that has ended. After a crash they are
// written again, with another order of their lines.
func (s *server) finish(b *BatchRecord, now time.Time) {
	b.done, b.counted = true, make(map[byte]int)
	if b.Status == "failed" {
		return
	}
	var files [2][][]byte // answers and errors
	for i := range b.Rows {
		fate := byte(neverSaid)
		if i < b.Ran {
			fate = b.Fates[i]
		}
		for _, l := range s.front.lines(b, i, fate) {
			files[l.file] = append(files[l.file], l.text)
		}
		b.counted[fate]++
	}
	for n, lines := range files {
		if len(lines) == 0 {
			continue
		}
		s.dice.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		b.files[n] = resultFile(b.ID, n)
		s.keep(&fileRecord{
			ID: b.files[n], Name: b.files[n] + ".jsonl", Purpose: "batch_output", Batch: b.ID, Created: now, Listed: now,
		}, bytes.Join(lines, nil))
	}
}

// resultFile names a file with results of a batch.
func resultFile(batch string, n int) string { return fmt.Sprintf("file-%s-%d", batch, n) }

// keep stores a file, unless it is there.
func (s *server) keep(f *fileRecord, content []byte) {
	if s.files[f.ID] != nil {
		return
	}
	f.Bytes = int64(len(content))
	if err := os.WriteFile(s.path(f.ID), content, 0o600); err != nil {
		panic(err)
	}
	s.happen(event{File: f})
}

// line is one of a result file.
type line struct {
	file int // 0 is that of the answers
	text []byte
}
