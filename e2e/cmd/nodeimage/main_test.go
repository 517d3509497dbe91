package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestRunRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"too many":   {[]string{"now"}, nil, "too many arguments: usage: nodeimage"},
		"no cache":   {nil, nil, "neither XDG_CACHE_HOME nor HOME is set: export XDG_CACHE_HOME=/path/of/a/folder"},
		"bad engine": {nil, map[string]string{"HOME": t.TempDir(), "ENGINE": "lxc"}, "ENGINE=lxc is no engine that kind knows: use ENGINE=docker or ENGINE=podman"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			err := run(t.Context(), test.args, func(key string) string { return test.env[key] }, &stdout, &stderr)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("have %v\nwant %s", err, test.want)
			}
			if stdout.Len() > 0 {
				t.Errorf("printed %q", stdout.String())
			}
		})
	}
}
