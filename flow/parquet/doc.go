// Package parquet reads the items of a job from Parquet files, and writes the
// results of a run to one.
//
// [Source] decodes each row into a struct of yours, and [Rows] makes a JSON
// object of it. Both are a durable.Source, so a job can resume after any row,
// and with Job.Rejects it leaves out rows whose values cannot be used. [Concat]
// makes one source of several files.
// [WriteResults] writes what an archive keeps of a run, whole or not at all.
//
// The package is a module of its own: neither the rest of Baler nor the command
// depends on a Parquet library.
package parquet
