// Package source reads the items of a job from files, so that a job can go on
// behind any of them.
//
// [JSONL] and [CSV] decode each row into a type of yours; [Rows] leaves the
// decoding to you and takes either format by the file's name. [Seq] is for
// items that are not in a file. All of them are a durable.Source.
//
// Input is checked strictly, since what it costs is decided here. A row that is
// not valid UTF-8, not JSON, longer than [MaxRow], or that encoding/json would
// silently mend, is an [Error] that names the file and the line. So is a file
// that is no longer the one that was read before, or that changes while it is
// read. Byte order marks, blank lines and either kind of line ending are fine.
//
// A file is read once from front to back, in memory of the size of its longest
// row.
package source
