// Package source reads the items of a job from files, so that a job can resume
// after any of them.
//
// [JSONL] and [CSV] decode each row into a type of yours; [Rows] leaves the
// decoding to you and takes either format by the file's name. [Concat] reads
// several files as one, and [Documents] the files of a directory. [SQL] reads a
// database page by page. [Seq] is for items that are not in a file. [Chan] and
// [Pull] wait for items, and acknowledge those that the job has kept. [FanOut]
// makes several items of one. [DeadLetters] reads rows that have failed. All of
// them are a durable.Source.
//
// Input is checked strictly, because each row costs money later. A row is an
// [Error] that names the file and the line if it is not valid UTF-8, is not
// JSON, is longer than [MaxRow], or would be silently mended by encoding/json.
// A file is an [Error] too if it is no longer the one that was read before, or
// if it changes while it is read. Byte order marks, blank lines and either kind
// of line ending are fine.
//
// A file is read once from front to back, in memory of the size of its longest
// row and of what is read ahead, at most 4 MiB or 1,024 rows. It may be
// compressed with gzip or zstd, whatever its name; a job that resumes unpacks it
// again up to its place.
package source
