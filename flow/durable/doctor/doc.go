// Package doctor examines state directories and repairs them: Examine compares
// all files of all jobs with each other and with the index, and says which
// repair helps against each Problem. Rebuild makes the index again,
// RepairJournals the journals, RepairFiles the files of batches and runs.
//
// Examine changes nothing but what state.Open does. An index or a journal that
// is made again is kept beside the new one. All of them refuse a directory that
// a process has open.
package doctor
