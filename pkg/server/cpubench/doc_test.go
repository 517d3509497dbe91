//go:build linux

// Package cpubench measures the CPU time that netmode-webhook needs for one
// AdmissionReview, side by side with two yardsticks on the same machine: a
// handler that does nothing, and one that works the usual way. Each server is a
// process of its own, and only its own CPU time counts.
//
// The report is a benchmark, which measures in rounds for as long as -benchtime
// says:
//
//	go test ./pkg/server/cpubench -run '^$' -bench CPU -benchtime 45s -v
//
// With -benchtime 1x, one round, it is a smoke check. Speed never fails it; a
// wrong answer does.
package cpubench
