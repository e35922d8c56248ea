// Package accumulator collects single items into batches bounded by count,
// weight and age.
package accumulator
