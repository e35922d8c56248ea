// Package mistral is a client of Mistral's batch jobs, and has the codec of its
// chat completions.
//
// The protocol is described at https://docs.mistral.ai/api, as of November
// 2026. The client uploads a JSONL file and creates a job from it, or sends the
// rows of a small batch with the creation. It polls the job, and downloads its
// output and error file, or reads the results with the job.
package mistral
