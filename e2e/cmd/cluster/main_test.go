package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestRunRefuses(t *testing.T) {
	const usage = "usage: cluster up|down|binaries [NAME]..."
	tests := map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"nothing":        {nil, nil, "no command given: " + usage},
		"unknown":        {[]string{"start"}, nil, `unknown command "start": ` + usage},
		"too many":       {[]string{"up", "now"}, nil, `up takes no argument, have "now": ` + usage},
		"bad number":     {[]string{"up"}, map[string]string{"NODES": "0"}, "NODES=0 is not possible: use NODES=1 or NODES=2"},
		"no cache":       {[]string{"down"}, nil, "neither XDG_CACHE_HOME nor HOME is set: export XDG_CACHE_HOME=/path/of/a/folder"},
		"bad engine":     {[]string{"down"}, map[string]string{"HOME": "TEMP", "ENGINE": "lxc"}, "ENGINE=lxc is no engine that kind knows: use ENGINE=docker or ENGINE=podman"},
		"unknown binary": {[]string{"binaries", "kubelt"}, map[string]string{"HOME": "TEMP"}, `"kubelt" is no program of the cluster: choose from `},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			var stdout, stderr bytes.Buffer
			err := run(t.Context(), test.args, func(key string) string {
				return strings.ReplaceAll(test.env[key], "TEMP", home)
			}, &stdout, &stderr)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("have %v\nwant %s", err, test.want)
			}
			if stdout.Len() > 0 {
				t.Errorf("printed %q", stdout.String())
			}
		})
	}
}
