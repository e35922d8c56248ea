// Package ready is the log of rows that wait to be sent, by priority. It is on
// disk, with little of it in memory: rows are appended in the order in which
// they were read, loaded with the most urgent first, and claimed by batches.
package ready
