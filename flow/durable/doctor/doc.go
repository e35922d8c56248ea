// Package doctor examines state directories and repairs them: Examine compares
// all files of all jobs with each other and with the index, and says which
// repair helps against each Problem. Rebuild makes the index again,
// RepairJournals the journals, RepairFiles the files of batches and runs.
//
// None of it changes what it examines, or runs while a process has the
// directory open.
package doctor
