//go:build !linux

package cli

// resolvconfPrograms need Linux's mounts.
func resolvconfPrograms() map[string]func(args []string) int { return nil }
