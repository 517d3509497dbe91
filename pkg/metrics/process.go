package metrics

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/netmode-io/netmode/pkg/version"
)

// Process are the metrics that every program of netmode has: its build, the Go
// runtime, and the process as the system sees it.
func Process() []prometheus.Collector {
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "netmode_build_info",
		Help: "1, labelled with the version of netmode and of Go.",
	}, []string{"version", "go_version"})
	build.WithLabelValues(version.Version, runtime.Version()).Set(1)
	return []prometheus.Collector{
		build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
}
