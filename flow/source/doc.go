// Package source reads the items of a job from files, so that a job can go on
// behind any of them.
//
// [JSONL] and [CSV] decode each row into a type of yours; [Rows] leaves the
// decoding to you and takes either format by the file's name. All of them are
// a durable.Source.
//
// Input is checked strictly, since what it costs is decided here: a line that
// is not UTF-8, not JSON, or longer than 16 MiB is an [Error] that names the
// file and the line.
package source
