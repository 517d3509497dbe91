package main

import (
	"strings"
	"testing"
)

func TestRunRefuses(t *testing.T) {
	tests := map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"too many":   {[]string{"a:1", "b:1"}, nil, "too many arguments: usage: install [IMAGE]"},
		"no tag":     {[]string{"netmode"}, nil, `image "netmode": want NAME:TAG or NAME@DIGEST, such as localhost/netmode:dev`},
		"bad number": {[]string{"netmode:dev"}, map[string]string{"NODES": "0"}, "NODES=0 is not possible: use NODES=1 or NODES=2"},
		"no cluster": {[]string{"netmode:dev"}, map[string]string{"HOME": "TEMP"}, "there is no cluster netmode: make cluster"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			var stderr strings.Builder
			err := run(t.Context(), test.args, func(key string) string {
				return strings.ReplaceAll(test.env[key], "TEMP", home)
			}, &stderr)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("have %v\nwant %s", err, test.want)
			}
			if stderr.Len() > 0 {
				t.Errorf("said %q", stderr.String())
			}
		})
	}
}
