// Package version says which build of netmode this is.
package version

// Version is set when the binaries are linked; a plain go build leaves "devel".
var Version = "devel"
