package app

import (
	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// routeKlog makes client-go, which logs through klog, log as the program does.
// Call it once, before the first client is made: klog has one logger for the
// whole process, and does not guard it.
func routeKlog(log logr.Logger) {
	klog.SetLoggerWithOptions(log.WithName("client-go"), klog.ContextualLogger(true))
}
