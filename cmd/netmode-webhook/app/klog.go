package app

import (
	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// routeKlog makes client-go, which logs through klog, log as the program does,
// but nothing above verbosity 0, whatever the program's: at 8 it logs the bodies
// of requests, and a Secret's is a private key. Call it once, before the first
// client is made: klog has one logger for the whole process, and does not guard
// it. A context for client-go must carry no other logger.
func routeKlog(log logr.Logger) {
	klog.SetLogger(log.WithName("client-go"))
}
